use super::*;

fn zai(model: Option<&str>) -> ProviderConfig {
    let kind = ProviderKind::Zai { base_url: "https://api.z.ai/api/paas/v4".into(), model: model.map(str::to_owned) };
    ProviderConfig::new("zai", kind)
}

#[test]
fn a_key_is_never_printed() {
    let key = Secret::check("sk-very-secret\n", "http://127.0.0.1:1/v1").unwrap();
    let config = ProviderConfig { key: Some(key), ..zai(None) };
    let printed = format!("{:?}", ModelsConfig::new("zai", vec![config]));
    assert!(!printed.contains("very-secret"), "{printed}");
    assert!(printed.contains("***"), "{printed}");
}

#[test]
fn without_configuration_the_offline_model_answers_everything() {
    let offers = ModelsConfig::offline().offers();
    assert_eq!(offers.chain(Purpose::Draft, &[])[0].name, "offline");
    assert!(!offers.all[0].takes_tools && offers.all[0].prices.is_free());
    assert_eq!(ModelsConfig::offline().providers[0].window, WINDOW_OFFLINE);
}

#[test]
fn a_provider_s_default_model_has_its_name_and_the_others_stand_below_it() {
    let local = ProviderKind::OpenAi {
        base_url: "http://127.0.0.1:1/v1".into(),
        models: vec![ModelConfig::new("big"), ModelConfig { takes_tools: false, ..ModelConfig::new("qwen/small") }],
    };
    let offers = ModelsConfig::new("zai", vec![zai(None), ProviderConfig::new("local", local)]).offers();
    let found = |name: &str| offers.find(name).map(|offer| (offer.provider.as_str(), offer.model.as_str()));
    assert_eq!(found("zai"), Some(("zai", "glm-5.2")));
    assert_eq!(found("zai/glm-5.2"), None);
    assert_eq!(found("zai/glm-5.3"), Some(("zai", "glm-5.3")));
    assert_eq!(found("local"), Some(("local", "big")));
    assert_eq!(found("local/qwen/small"), Some(("local", "qwen/small")));
    assert_eq!(offers.find("zai").unwrap().prices.input, 1_400_000);
    assert_eq!(offers.all.len(), 12);
}

#[test]
fn another_default_takes_the_provider_s_name_and_all_stay_there() {
    let config = ModelsConfig::new("zai", vec![zai(Some("glm-4.5-air"))]);
    let names: Vec<String> = config.offers().all.into_iter().map(|offer| offer.name).collect();
    assert_eq!(names[..3], ["zai", "zai/glm-5.3", "zai/glm-5.3-flash"]);
    assert_eq!(names.len(), 10);
    assert!(!names.contains(&"zai/glm-4.5-air".to_owned()));
}
