//! JSON against the parsing suite: `y_` must parse, `n_` must not, `i_` may do either.

use wire::json::{JsonLimits, Tree, canonical_hash};

use crate::support::data;

#[test]
fn the_parsing_suite_holds() {
    let Some(folder) = data("suites/json-parsing-nst/test_parsing") else { return };
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let parsed = Tree::parse(&std::fs::read(&path).unwrap(), &JsonLimits::default()).is_ok();
        count += 1;
        if (name.starts_with("y_") && !parsed) || (name.starts_with("n_") && parsed) {
            wrong.push(name);
        }
    }
    assert!(count > 200, "the suite has {count} files");
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Different texts of the transformation part are the same value only where a decimal, or an escape, is
/// spelt in two ways; else an ambiguity is named.
#[test]
fn different_texts_are_not_silently_equal() {
    let Some(folder) = data("suites/json-parsing-nst/test_transform") else { return };
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let texts: Vec<_> = files.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let trees: Vec<_> = texts.iter().map(|text| Tree::parse(text, &JsonLimits::default()).unwrap()).collect();
    let mut same = Vec::new();
    for (index, a) in trees.iter().enumerate() {
        for (other, b) in trees.iter().enumerate().skip(index + 1) {
            let equal = a.root().same_value(b.root());
            assert_eq!(equal, canonical_hash(a) == canonical_hash(b), "{a:?} {b:?}");
            let silent = a.ambiguity_count() == 0 && b.ambiguity_count() == 0;
            if equal && silent && a.source() != b.source() {
                same.push((files[index].file_name().unwrap(), files[other].file_name().unwrap()));
            }
        }
    }
    println!("equal though spelt differently: {same:?}");
    assert!(
        same.iter().all(|(a, b)| { [a, b].iter().all(|name| name.to_string_lossy().starts_with("number_")) })
    );
}
