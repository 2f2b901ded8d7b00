//! The published schema against the document: every name of the one is in the other.

use serde_json::Value;

/// What of `value` the schema does not describe, or describes otherwise.
///
/// Knows the words that the schema uses: `$ref`, `type`, `enum`, `const`, `properties`, `required`, `items`,
/// `additionalProperties`, `anyOf`, `oneOf`. A name that the schema lacks is a fault here, though not to a reader.
pub(super) fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(schema, schema, value, "$", &mut faults);
    faults
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let target = root.pointer(name.trim_start_matches('#'));
        return check(root, target.unwrap_or_else(|| panic!("{name} is defined")), value, at, faults);
    }
    if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let fits = |choice: &&Value| {
            let mut found = Vec::new();
            check(root, choice, value, at, &mut found);
            found.is_empty()
        };
        if choices.iter().filter(fits).count() != 1 {
            faults.push(format!("{at} fits none or several of the choices: {value}"));
        }
        return;
    }
    let allowed = schema["enum"].as_array().is_none_or(|values| values.contains(value));
    let constant = schema.get("const").is_none_or(|constant| constant == value);
    if !allowed || !constant || !has_type(&schema["type"], value) {
        faults.push(format!("{at} is {value}, which is not {}", schema["type"]));
        return;
    }
    match value {
        Value::Object(members) => object(root, schema, members, at, faults),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check(root, &schema["items"], item, &format!("{at}[{index}]"), faults);
            }
        }
        _ => {}
    }
}

fn object(
    root: &Value,
    schema: &Value,
    members: &serde_json::Map<String, Value>,
    at: &str,
    faults: &mut Vec<String>,
) {
    let (Some(properties), required) = (schema["properties"].as_object(), schema["required"].as_array())
    else {
        let any = schema.get("additionalProperties");
        for (name, member) in members {
            any.into_iter().for_each(|any| check(root, any, member, &format!("{at}.{name}"), faults));
        }
        return;
    };
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            faults.push(format!("{at}.{name} is missing"));
        }
    }
    for (name, member) in members {
        match properties.get(name) {
            Some(schema) => check(root, schema, member, &format!("{at}.{name}"), faults),
            None => faults.push(format!("{at}.{name} is not in the schema")),
        }
    }
}

fn has_type(wanted: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        other => panic!("{other} is a type that this check knows"),
    };
    match wanted {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}
