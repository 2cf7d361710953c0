//! The errors of z.ai's page of 2026-07-11: each code with its HTTP status and words as it tells them.

/// The HTTP status and the message of a code; `None`: there is no such code. `reset` says when a quota is reset:
/// `at 2026-09-12 00:35:41`, `in 2 hours`.
pub(super) fn told(code: &str, reset: &str) -> Option<(u16, String)> {
    let quota = |what: &str| format!("{what}. Your limit will reset {reset}");
    Some(match code {
        "1000" => (401, "Authentication failed".into()),
        "1001" => (401, "Authentication parameter not received in the header".into()),
        "1003" => (401, "Authentication token expired".into()),
        "1005" => (401, "Authentication failed: the key has been deleted".into()),
        "1113" => (429, "Insufficient balance or no resource package. Please recharge.".into()),
        "1200" => (500, "API call failed".into()),
        "1210" => (400, "Incorrect API call parameters, please check the documentation".into()),
        "1211" => (400, "Unknown model, please check the model code".into()),
        "1212" => (400, "The model does not support this way of calling".into()),
        "1213" => (400, "A parameter was not received properly".into()),
        "1214" => (400, "Invalid parameter, please check the documentation".into()),
        "1215" => (400, "Two parameters can't be set together".into()),
        "1220" => (403, "You do not have permission to access this API".into()),
        "1221" => (400, "This API has been taken offline".into()),
        "1222" => (400, "This API does not exist".into()),
        "1230" => (500, "API call process error".into()),
        "1234" => (500, "Network error, error id: fake, please contact customer service".into()),
        "1261" => (400, "Prompt too long".into()),
        "1301" => (400, "System detected potentially unsafe or sensitive content in input or generation".into()),
        "1302" => (429, "High concurrency usage of this API, please reduce concurrency".into()),
        "1303" => (429, "High frequency usage of this API, please reduce frequency".into()),
        "1305" => (429, "The model is overloaded, please try again later".into()),
        "1312" => (429, "This model is experiencing high traffic, please try again later".into()),
        "1308" => (429, quota("Usage limit reached for 5 hour")),
        "1310" => (429, quota("Weekly/Monthly Limit Exhausted")),
        "1316" | "1317" | "1318" | "1319" | "1320" | "1321" => (429, quota("Your plan's limit is used up")),
        "1309" => (429, "Your GLM Coding Plan package has expired".into()),
        "1311" => (429, "The current subscription plan does not include access to this model".into()),
        "1313" => (429, "Your account's usage does not comply with the fair use policy".into()),
        "1314" | "1315" => (429, "This key can't be used for this model".into()),
        _ => return None,
    })
}
