use super::*;

#[test]
fn errors_are_read_in_every_shape_they_come_in() {
    let told_of = |body: &str| {
        let told = told(429, body.as_bytes());
        (told.code, told.message)
    };
    let is = |code: &str, message: &str| (code.to_owned(), message.to_owned());
    assert_eq!(told_of(r#"{"error":{"code":"1302","message":"slow down"}}"#), is("1302", "slow down"));
    assert_eq!(told_of(r#"{"error":{"code":429,"message":"slow"}}"#), is("429", "slow"));
    assert_eq!(told_of(r#"{"error":"model is loading"}"#), is("", "model is loading"));
    assert_eq!(told_of(r#"{"code":400,"message":"bad"}"#), is("400", "bad"));
    assert_eq!(told_of("<html>gateway</html>"), is("", "<html>gateway</html>"));
    assert_eq!(told_of("[]"), is("", ""));
    assert_eq!(told(500, &[0xff]).message, "\u{fffd}");
}

#[test]
fn words_without_escapes_are_borrowed() {
    let chunk: Chunk<'_> = serde_json::from_str(r#"{"choices":[{"delta":{"content":"hello"}}]}"#).unwrap();
    let text = chunk.choices.unwrap().into_iter().next().unwrap().delta.unwrap().content.unwrap();
    assert!(matches!(text.0, Cow::Borrowed("hello")));
}
