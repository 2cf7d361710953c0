//! The HTTP client of one endpoint, made once.

use std::time::Duration;

use messages::model::Class;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Url};

use crate::config::{ProviderConfig, ProviderKind, Timeouts};
use crate::fault::Fault;
use crate::key::Secret;

/// Idle connections that are kept for the next calls.
const IDLE_CONNECTIONS_MAX: usize = 256;
/// Seconds an idle connection is kept.
const IDLE_CONNECTION_SECONDS_MAX: u64 = 15;

/// The way to one endpoint, shared by its models.
pub(crate) struct Link {
    pub(super) key: Option<Secret>,
    pub(super) client: Client,
    pub(super) timeouts: Timeouts,
    /// The address as people wrote it.
    pub(super) base_url: String,
    /// What kind of endpoint it is, for people.
    pub(super) kind: &'static str,
    url: Url,
    headers: HeaderMap,
}

impl Link {
    /// Makes the client; `None` where there is no endpoint. Connects to nothing.
    ///
    /// # Errors
    /// What can't work, in words.
    pub(crate) fn open(config: &ProviderConfig) -> Result<Option<Self>, String> {
        let (base_url, kind) = match &config.kind {
            ProviderKind::Offline => return Ok(None),
            ProviderKind::OpenAi { base_url, .. } => (base_url, "openai-compatible"),
            ProviderKind::Zai { base_url, .. } => (base_url, "z.ai"),
        };
        let (key, timeouts) = (config.key.clone(), config.timeouts);
        let url = endpoint(base_url, key.is_some())?;
        let client = client(&url, Duration::from_millis(timeouts.connect_ms_max))?;
        let headers = headers(key.as_ref())?;
        Ok(Some(Self { key, client, timeouts, base_url: shown(&url), kind, url, headers }))
    }

    /// The call as it goes out.
    pub(super) fn prepare(&self, body: Vec<u8>) -> Result<reqwest::Request, Fault> {
        let builder = self.client.post(self.url.clone()).headers(self.headers.clone()).body(body);
        builder.build().map_err(|e| {
            let why = e.without_url();
            Fault::new(Class::Refused, format!("The call can't be made: {why}."), "Check `base_url` of this provider.")
        })
    }
}

fn client(url: &Url, connect_max: Duration) -> Result<Client, String> {
    // reqwest panics without one; an error can be read.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        return Err("no TLS provider is installed; the program installs one before it opens models".to_owned());
    }
    let mut builder = Client::builder()
        .user_agent(concat!("agent-runtime/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect_max)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .pool_idle_timeout(Duration::from_secs(IDLE_CONNECTION_SECONDS_MAX))
        .redirect(reqwest::redirect::Policy::none())
        // One connection a call: a stream that stalls or is dropped touches no other.
        .http1_only();
    if url.scheme() == "http" {
        // The system's certificates take longer to read than all the rest of a start.
        builder = builder.tls_certs_only([]);
    }
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|e| format!("the HTTP client can't be made: {}", root(e)))
}

fn headers(key: Option<&Secret>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en-US,en"));
    if let Some(key) = key {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", key.expose()))
            .map_err(|_| "the key holds a character that no key has; was a whole file read as the key?".to_owned())?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    Ok(headers)
}

/// `<base_url>/chat/completions`, if a call may go there.
pub(crate) fn endpoint(base_url: &str, has_key: bool) -> Result<Url, String> {
    let base = base_url.trim().trim_end_matches('/');
    let url = Url::parse(&format!("{base}/chat/completions")).map_err(|e| {
        format!("`base_url` {base_url:?} is not an address ({e}); it looks like https://api.z.ai/api/paas/v4")
    })?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(format!("`base_url` {base_url:?} must begin with https:// or, on this machine, http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("`base_url` holds a user or password; a key goes where `key_secret`, `key_file` or `key_env` says"
            .to_owned());
    }
    if url.scheme() == "http" && has_key && !is_loopback(&url) {
        return Err(format!("`base_url` {base_url:?} would send the key unencrypted; use https://, or no key"));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        None => false,
    }
}

/// The address as people wrote it, without what was appended.
fn shown(url: &Url) -> String {
    url.as_str().trim_end_matches("/chat/completions").to_owned()
}

/// The innermost reason: "Connection refused (os error 111)" says more than what stands around it.
pub(super) fn root(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut deepest: &dyn std::error::Error = &error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_can_t_work_or_would_leak_the_key_is_refused() {
        for (base, has_key, why) in [
            ("api.z.ai/v4", false, "is not an address"),
            ("ftp://host/v1", false, "must begin with https://"),
            ("https://me:pass@host/v1", false, "holds a user or password"),
            ("http://models.lan/v1", true, "unencrypted"),
            ("http://10.0.0.7/v1", true, "unencrypted"),
        ] {
            let error = endpoint(base, has_key).unwrap_err();
            assert!(error.contains(why), "{base}: {error}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_or_for_endpoints_without_a_key() {
        for (base, has_key) in [
            ("https://api.z.ai/api/paas/v4/", true),
            ("http://127.0.0.1:8080/v1", true),
            ("http://[::1]:8080/v1", true),
            ("http://localhost/v1", true),
            ("http://ollama:11434/v1", false),
        ] {
            let url = endpoint(base, has_key).unwrap();
            assert_eq!(shown(&url), base.trim_end_matches('/'));
            assert!(url.path().ends_with("/chat/completions"), "{url}");
        }
    }
}
