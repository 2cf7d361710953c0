use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use proptest::prelude::*;
use rstest::rstest;
use serde::Deserialize;

use super::table::Table;
use super::*;

#[derive(Deserialize)]
struct Sample {
    text: String,
    ids: Vec<u32>,
}

fn table() -> &'static Table<'static> {
    Table::built_in().unwrap()
}

fn vector(text: &str) -> Vector {
    embed(text).unwrap_or_else(|| panic!("{text:?} has no known word"))
}

fn likeness(one: &str, two: &str) -> f32 {
    vector(one).cosine(&vector(two))
}

#[test]
fn the_tokens_are_those_of_the_models_own_tokenizer() {
    let samples: Vec<Sample> = serde_json::from_str(include_str!("../../model/samples.json")).unwrap();
    assert!(samples.len() > 40);
    for Sample { text, ids } in samples {
        assert_eq!(tokens(&text, table()), ids, "{text:?}");
    }
}

#[rstest]
#[case("car", "automobile", "banana")]
#[case("doctor", "physician", "guitar")]
#[case("How do I cancel my subscription?", "ending a membership", "recipe for tomato soup")]
#[case("the server crashed during the night", "outage of the machine", "we planted beans in the garden")]
#[case("quarterly revenue and costs", "financial report", "the dog chased a cat")]
fn near_texts_are_nearer_than_far_ones(#[case] text: &str, #[case] near: &str, #[case] far: &str) {
    let (a, b) = (likeness(text, near), likeness(text, far));
    assert!(a > b + 0.1, "{near}: {a}, {far}: {b}");
    let distance = |other: &str| vector(text).signature().distance(&vector(other).signature());
    assert!(distance(near) < distance(far), "{near}: {}, {far}: {}", distance(near), distance(far));
}

#[test]
fn the_order_case_and_accents_of_words_change_nothing() {
    assert_eq!(embed("Budget for the Zürich trip"), embed("trip ZURICH the for budget"));
    assert!(likeness("one two three", "one two three one two three") > 0.999);
}

#[test]
fn a_signature_is_near_where_the_vector_is() {
    let texts: Vec<Vector> =
        include_str!("../../../../docs/guarantees.md").split("\n\n").filter_map(embed).take(60).collect();
    let pairs = || texts.iter().flat_map(|one| texts.iter().map(move |two| (one, two)));
    let mean = |near: bool| {
        let chosen = pairs().filter(|(one, two)| near == (one.cosine(two) > 0.5));
        let distances: Vec<u32> = chosen.map(|(one, two)| one.signature().distance(&two.signature())).collect();
        f64::from(distances.iter().sum::<u32>()) / f64::from(u32::try_from(distances.len()).unwrap())
    };
    assert!(mean(true) + 20.0 < mean(false), "{} {}", mean(true), mean(false));
}

#[rstest]
#[case::nothing("")]
#[case::white_space(" \n\t\u{3000}")]
#[case::what_is_dropped("\u{0}\u{200b}\u{301}")]
#[case::unknown("😀 \u{10ffff}")]
#[case::too_long(&"x".repeat(101))]
fn a_text_without_a_known_word_has_no_vector(#[case] text: &str) {
    assert_eq!(embed(text), None);
}

#[test]
fn only_the_beginning_of_a_text_counts_at_its_edge() {
    let filled = |to: usize| format!("{}{}", "car ", " ".repeat(to - "car ".len()));
    let with = |to: usize| embed(&(filled(to) + "banana"));
    assert_ne!(with(EMBEDDED_BYTES_MAX - "banana".len()), embed("car"));
    assert_eq!(with(EMBEDDED_BYTES_MAX), embed("car"));
    // A cut within a character takes none of it.
    assert_eq!(embed(&(filled(EMBEDDED_BYTES_MAX - 1) + "é")), embed("car"));
}

#[test]
fn likeness_is_one_with_itself_and_zero_without_direction() {
    let car = vector("car");
    let opposite = Vector(car.0.map(|entry| -entry));
    let nothing = Vector([0; DIMS]);
    let near = |likeness: f32, to: f32| assert!((likeness - to).abs() < 1e-6, "{likeness}");
    near(car.cosine(&car), 1.0);
    near(car.cosine(&opposite), -1.0);
    near(car.cosine(&nothing), 0.0);
    near(Vector([i8::MIN; DIMS]).cosine(&Vector([i8::MIN; DIMS])), 1.0);
    assert_eq!(car.signature().distance(&car.signature()), 0);
}

#[test]
fn a_signature_has_a_bit_for_each_dimension() {
    let mut one = [0; DIMS];
    (one[0], one[1], one[64], one[255]) = (1, -1, 127, 3);
    assert_eq!(Vector(one).signature(), Signature([1, 1, 0, 1 << 63]));
    assert_eq!(Signature([u64::MAX; 4]).distance(&Signature([0; 4])), 256);
}

#[rstest]
#[case(0.0)]
#[case(f32::NAN)]
#[case(f32::INFINITY)]
#[case(f32::MIN_POSITIVE)]
fn what_has_no_direction_is_no_vector(#[case] entry: f32) {
    assert_eq!(Vector::along(&[entry; DIMS]), None);
}

#[test]
fn bytes_of_another_length_are_refused() {
    for length in [0, 1, 31, 33, 255, 257] {
        assert_eq!(Vector::from_bytes(&vec![0; length]), None);
        assert_eq!(Signature::from_bytes(&vec![0; length]), None);
    }
}

/// A file of four pieces.
fn small() -> Vec<u8> {
    let mut file = b"PIECEVEC".to_vec();
    file.extend([1, 4, 256].iter().flat_map(|number: &u32| number.to_le_bytes()));
    file.extend([0.0, 1.0, 0.5, 2.0].iter().flat_map(|scale: &f32| scale.to_le_bytes()));
    file.extend((0..4 * 256).map(|n: u32| n.to_le_bytes()[0]));
    file.extend(b"[UNK]\na\nb\n##b");
    file
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    let file = small();
    assert!(Table::parse(&file).is_some_and(|table| tokens("a abb c", &table) == [1, 1, 3, 3, 0]));
    let pieces = file.len() - "\na\nb\n##b".len();
    for length in 0..pieces {
        assert!(Table::parse(&file[..length]).is_none(), "{length}");
    }
}

#[rstest]
#[case::magic(0, 0)]
#[case::version(8, 2)]
#[case::more_pieces(12, 5)]
#[case::far_more_pieces(15, 255)]
#[case::dimensions(17, 2)]
#[case::a_scale_that_is_no_number(27, 0xff)]
#[case::a_piece_that_is_no_text(1_060, 0xff)]
#[case::no_unknown_piece(1_061, b'V')]
fn a_damaged_file_is_refused(#[case] at: usize, #[case] byte: u8) {
    let mut file = small();
    file[at] = byte;
    assert!(Table::parse(&file).is_none());
}

proptest! {
    #[test]
    fn any_text_can_be_embedded(text in any::<String>(), more in ".{0,40}") {
        for text in [&text, &more] {
            if let Some(vector) = embed(text) {
                prop_assert!((vector.cosine(&vector) - 1.0).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn bytes_are_read_as_they_were_written(entries in prop::collection::vec(any::<i8>(), DIMS)) {
        let vector = Vector(entries.try_into().unwrap());
        let signature = vector.signature();
        prop_assert_eq!(Signature::from_bytes(&signature.as_bytes()), Some(signature));
        prop_assert_eq!(Vector::from_bytes(&vector.as_bytes()), Some(vector));
    }

    #[test]
    fn any_damage_is_survived(at in 0_usize..2_000, bytes in prop::collection::vec(any::<u8>(), 1..8)) {
        let mut file = small();
        let at = at % file.len();
        file.splice(at..(at + bytes.len()).min(file.len()), bytes);
        if let Some(table) = Table::parse(&file) {
            let mut sum = [0.0; DIMS];
            for id in tokens("a abb c", &table).into_iter().chain([u32::MAX]) {
                table.add(&[id], &mut sum);
            }
            let _any = Vector::along(&sum);
        }
    }
}

/// Says how fast texts become vectors: `cargo test --release -p retrieval -- --ignored --nocapture texts_a_second`. Reads
/// the Markdown below the folder that `TEXTS` names, else the documentation of this repository.
#[test]
#[ignore = "it measures"]
fn texts_a_second() {
    let folder = std::env::var("TEXTS").unwrap_or_else(|_| format!("{}/../../docs", env!("CARGO_MANIFEST_DIR")));
    let mut texts = Vec::new();
    passages(Path::new(&folder), &mut texts);
    let (bytes, began) = (texts.iter().map(String::len).sum::<usize>(), Instant::now());
    black_box(embed("car"));
    let (read, began) = (began.elapsed(), Instant::now());
    let vectors: Vec<Vector> = texts.iter().filter_map(|text| embed(text)).collect();
    let (embedded, began) = (began.elapsed(), Instant::now());
    let signatures: Vec<Signature> = vectors.iter().map(Vector::signature).collect();
    let (signed, began) = (began.elapsed(), Instant::now());
    black_box(signatures.iter().map(|one| one.distance(&signatures[0])).sum::<u32>());
    let (distances, began) = (began.elapsed(), Instant::now());
    black_box(vectors.iter().map(|one| one.cosine(&vectors[0])).sum::<f32>());
    let (cosines, count) = (began.elapsed(), texts.len());
    println!("{count} texts, {bytes} bytes; table {read:?}, vectors {embedded:?}");
    println!("signatures {signed:?}, distances {distances:?}, cosines {cosines:?}");
}

/// The Markdown below a folder in texts of about 1,000 bytes.
fn passages(folder: &Path, texts: &mut Vec<String>) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            passages(&path, texts);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let text = Some(cut(rest, 1_000)).filter(|text| !text.is_empty()).unwrap_or(rest);
                texts.push(text.to_owned());
                rest = &rest[text.len()..];
            }
        }
    }
}
