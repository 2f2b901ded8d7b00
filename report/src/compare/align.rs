//! Which elements of two arrays belong together, by hashes of their values.
//!
//! Equal elements are found first: in order where a short edit script explains the arrays (Myers, bounded),
//! else wherever they are. What is left over is paired in order. Linear but for the bounded edit script.

use std::collections::HashMap;

/// Edits beyond which no edit script is looked for: its cost is elements times edits.
const MAX_EDITS: usize = 128;

/// How two arrays belong together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Alignment {
    /// Whether equal elements stand in another order.
    pub(super) reordered: bool,
    /// Elements to compare with one another: index in the one, index in the other.
    pub(super) pairs: Vec<(usize, usize)>,
    /// Elements that only the first array has.
    pub(super) removed: Vec<usize>,
    /// Elements that only the second array has.
    pub(super) added: Vec<usize>,
}

/// Aligns two arrays of element hashes. Common heads and tails are better left out by the caller.
pub(super) fn align(a: &[u128], b: &[u128]) -> Alignment {
    let matches = match_by_value(a, b);
    let in_order = matches.windows(2).all(|pair| pair[0].1 < pair[1].1);
    if in_order {
        return fill_gaps(a.len(), b.len(), &matches);
    }
    let unmatched = a.len() + b.len() - 2 * matches.len();
    if let Some(script) = edit_script(a, b, unmatched.min(MAX_EDITS)) {
        return fill_gaps(a.len(), b.len(), &script);
    }
    let mut alignment = pair_leftovers(a.len(), b.len(), &matches);
    alignment.reordered = true;
    alignment
}

/// Pairs elements by their places, whatever they hold.
pub(super) fn by_place(a_len: usize, b_len: usize) -> Alignment {
    fill_gaps(a_len, b_len, &[])
}

/// The n-th occurrence of a value in `a` with its n-th occurrence in `b`, in the order of `a`.
fn match_by_value(a: &[u128], b: &[u128]) -> Vec<(usize, usize)> {
    // Values are found through the first occurrence that is not used; `next` leads to the one behind it.
    let mut first: HashMap<u128, usize> = HashMap::with_capacity(b.len());
    let mut next = vec![usize::MAX; b.len()];
    for (index, hash) in b.iter().enumerate().rev() {
        if let Some(later) = first.insert(*hash, index) {
            next[index] = later;
        }
    }
    let mut matches = Vec::with_capacity(a.len().min(b.len()));
    for (index, hash) in a.iter().enumerate() {
        if let Some(found) = first.get_mut(hash).filter(|found| **found != usize::MAX) {
            matches.push((index, *found));
            *found = next[*found];
        }
    }
    matches
}

/// Pairs the elements between matches that ascend on both sides.
fn fill_gaps(a_len: usize, b_len: usize, matches: &[(usize, usize)]) -> Alignment {
    let mut alignment = Alignment::default();
    let (mut a_from, mut b_from) = (0, 0);
    for (a_to, b_to) in matches.iter().copied().chain([(a_len, b_len)]) {
        let paired = (a_to - a_from).min(b_to - b_from);
        alignment.pairs.extend((0..paired).map(|i| (a_from + i, b_from + i)));
        alignment.removed.extend(a_from + paired..a_to);
        alignment.added.extend(b_from + paired..b_to);
        (a_from, b_from) = (a_to + 1, b_to + 1);
    }
    alignment
}

/// Pairs all elements without a match, in order.
fn pair_leftovers(a_len: usize, b_len: usize, matches: &[(usize, usize)]) -> Alignment {
    let (mut a_matched, mut b_matched) = (vec![false; a_len], vec![false; b_len]);
    for (a, b) in matches {
        a_matched[*a] = true;
        b_matched[*b] = true;
    }
    let left = |matched: Vec<bool>| (0..matched.len()).filter(move |i| !matched[*i]).collect::<Vec<_>>();
    let (a_left, b_left) = (left(a_matched), left(b_matched));
    let paired = a_left.len().min(b_left.len());
    Alignment {
        reordered: false,
        pairs: a_left[..paired].iter().copied().zip(b_left[..paired].iter().copied()).collect(),
        removed: a_left[paired..].to_vec(),
        added: b_left[paired..].to_vec(),
    }
}

/// The matches of a shortest edit script of at most `limit` removals and insertions, if there is one.
///
/// E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986, section 4.
fn edit_script(a: &[u128], b: &[u128], limit: usize) -> Option<Vec<(usize, usize)>> {
    let (a_len, b_len) = (a.len() as isize, b.len() as isize);
    let width = 2 * limit + 3;
    let at = |diagonal: isize| (diagonal + limit as isize + 1) as usize;
    let mut furthest = vec![0_isize; width];
    let mut history: Vec<Vec<isize>> = Vec::new();
    for edits in 0..=limit as isize {
        history.push(furthest.clone());
        for diagonal in (-edits..=edits).step_by(2) {
            let down = diagonal == -edits
                || (diagonal != edits && furthest[at(diagonal - 1)] < furthest[at(diagonal + 1)]);
            let mut x = if down { furthest[at(diagonal + 1)] } else { furthest[at(diagonal - 1)] + 1 };
            while x < a_len
                && (0..b_len).contains(&(x - diagonal))
                && a[x as usize] == b[(x - diagonal) as usize]
            {
                x += 1;
            }
            furthest[at(diagonal)] = x;
            if x >= a_len && x - diagonal >= b_len {
                return Some(backtrack(&history, (a_len, b_len), at));
            }
        }
    }
    None
}

/// Walks back through the furthest points of each number of edits; what lies on diagonals are the matches.
fn backtrack(
    history: &[Vec<isize>],
    end: (isize, isize),
    at: impl Fn(isize) -> usize,
) -> Vec<(usize, usize)> {
    let mut matches = Vec::new();
    let (mut x, mut y) = end;
    for (edits, furthest) in history.iter().enumerate().rev() {
        let (edits, diagonal) = (edits as isize, x - y);
        let down = diagonal == -edits
            || (diagonal != edits && furthest[at(diagonal - 1)] < furthest[at(diagonal + 1)]);
        let previous = if down { diagonal + 1 } else { diagonal - 1 };
        let (from_x, from_y) = match edits {
            0 => (0, 0),
            _ => (furthest[at(previous)], furthest[at(previous)] - previous),
        };
        while x > from_x && y > from_y {
            (x, y) = (x - 1, y - 1);
            matches.push((x as usize, y as usize));
        }
        (x, y) = (from_x, from_y);
    }
    matches.reverse();
    matches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &str, b: &str, expected: &str) {
        let hashes = |text: &str| text.bytes().map(u128::from).collect::<Vec<_>>();
        let found = align(&hashes(a), &hashes(b));
        let reordered = if found.reordered { "reordered " } else { "" };
        let text = format!("{reordered}{:?} -{:?} +{:?}", found.pairs, found.removed, found.added);
        assert_eq!(text, expected, "{a} {b}");
    }

    #[test]
    fn arrays_are_aligned() {
        check("abc", "abc", "[] -[] +[]");
        check("abc", "axc", "[(1, 1)] -[] +[]");
        check("abc", "ac", "[] -[1] +[]");
        check("ac", "abc", "[] -[] +[1]");
        check("abc", "cab", "reordered [] -[] +[]");
        check("0101", "101", "[] -[0] +[]");
        check("abcd", "dcbx", "reordered [(0, 3)] -[] +[]");
        check("abc", "xyz", "[(0, 0), (1, 1), (2, 2)] -[] +[]");
        check("", "ab", "[] -[] +[0, 1]");
        check("ab", "", "[] -[0, 1] +[]");
        check("aab", "aba", "reordered [] -[] +[]");
    }

    #[test]
    fn what_is_aligned_is_everything() {
        let mut state = 7_u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for _ in 0..2000 {
            let list = |len: u64, draw: &mut dyn FnMut(u64) -> u64| {
                (0..len).map(|_| u128::from(draw(4))).collect::<Vec<_>>()
            };
            let (a_len, b_len) = (draw(9), draw(9));
            let (a, b) = (list(a_len, &mut draw), list(b_len, &mut draw));
            let found = align(&a, &b);
            let equal = a.len() - found.pairs.len() - found.removed.len();
            assert_eq!(equal, b.len() - found.pairs.len() - found.added.len(), "{a:?} {b:?}");
            let nothing = found.pairs.is_empty() && found.removed.is_empty() && found.added.is_empty();
            assert_eq!(nothing && !found.reordered, a == b, "{a:?} {b:?} {found:?}");
        }
    }
}
