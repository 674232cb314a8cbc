//! The names of all lists, found by how their words sound.
//!
//! Every word of the lists is kept once. A word that is asked for meets those that share a key with it: a line of known
//! spellings, or consonants up to one that differs (two in long words). A name can only be a hit when two of its words
//! agree, so the names of the most frequent word need not be looked at unless another word leads there, too.
//!
//! What it costs: memory grows with the words and names of the lists, not with the people who are asked for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::entry::{EntryKind, ListEntry};
use super::likeness::{Likeness, of_words};
use super::name::{Form, Name, Word};
use super::score::{Evidence, Score, ScoreReason, beside_the_name, overlap, reasons, weigh};
use super::sound::skeleton;
use super::spellings::Spellings;
use super::subject::Facts;

/// Words whose likenesses a matcher remembers; then it begins anew.
const MOST_REMEMBERED: usize = 50_000;
/// Consonants from which two may differ.
const LONG_SKELETON: usize = 6;

/// The number of an entry as it is stored.
pub type EntryNumber = i64;

struct Listed {
    entry: u32,
    name: Name,
    words: Box<[u32]>,
}

/// All lists, ready to be asked.
pub struct Index {
    spellings: Arc<Spellings>,
    entries: Vec<(EntryNumber, ListEntry)>,
    names: Vec<Listed>,
    words: Vec<Arc<Word>>,
    keys: HashMap<String, Vec<u32>>,
    /// The names in which a word stands.
    places: Vec<Vec<u32>>,
    /// Of these names, those with initials: for them one whole word is enough.
    with_initials: HashSet<u32>,
}

/// Somebody may be whom an entry names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The entry.
    pub entry: EntryNumber,
    /// How like they are.
    pub score: Score,
    /// Why.
    pub reasons: Vec<ScoreReason>,
}

impl Index {
    /// Reads the names of entries.
    #[must_use]
    pub fn new(entries: Vec<(EntryNumber, ListEntry)>, spellings: Arc<Spellings>) -> Self {
        let mut index = Self {
            spellings,
            entries: Vec::with_capacity(entries.len()),
            names: Vec::new(),
            words: Vec::new(),
            keys: HashMap::new(),
            places: Vec::new(),
            with_initials: HashSet::new(),
        };
        let mut known: HashMap<Arc<Word>, u32> = HashMap::new();
        for (number, entry) in entries {
            if entry.kind != EntryKind::Thing {
                let place = u32::try_from(index.entries.len()).unwrap_or(u32::MAX);
                let mut seen = HashSet::new();
                for text in &entry.names {
                    let name = Name::read(text, &index.spellings);
                    if !name.words.is_empty() && seen.insert(name.words.clone()) {
                        index.add(place, name, &mut known);
                    }
                }
            }
            index.entries.push((number, entry));
        }
        index
    }

    /// How many names can be found.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether the lists name nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Somebody to ask, who remembers what was asked.
    #[must_use]
    pub fn matcher(&self, threshold: Score) -> Matcher<'_> {
        Matcher { index: self, threshold, remembered: HashMap::new() }
    }

    fn add(&mut self, entry: u32, name: Name, known: &mut HashMap<Arc<Word>, u32>) {
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let mut words = Vec::with_capacity(name.words.len());
        let mut shared = Vec::with_capacity(name.words.len());
        for word in &name.words {
            let id = self.word(word, known);
            self.places[id as usize].push(number);
            shared.push(Arc::clone(&self.words[id as usize]));
            words.push(id);
        }
        for word in joined_words(&name, &self.spellings) {
            let id = self.word(&Arc::new(word), known);
            self.places[id as usize].push(number);
        }
        if name.has_initials() {
            self.with_initials.insert(number);
        }
        self.names.push(Listed { entry, name: Name { words: shared }, words: words.into_boxed_slice() });
    }

    fn word(&mut self, word: &Arc<Word>, known: &mut HashMap<Arc<Word>, u32>) -> u32 {
        if let Some(id) = known.get(word) {
            return *id;
        }
        let id = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        known.insert(Arc::clone(word), id);
        for key in keys(word) {
            self.keys.entry(key).or_default().push(id);
        }
        self.words.push(Arc::clone(word));
        self.places.push(Vec::new());
        id
    }
}

/// What two neighbours of a name are as one word.
fn joined_words(name: &Name, spellings: &Spellings) -> Vec<Word> {
    let joined = (0..name.words.len()).filter_map(|first| Some((first, name.joined(first, spellings)?)));
    let word = |(first, form): (usize, Form)| Word {
        form,
        with_particle: None,
        without_vowels: name.words[first].without_vowels,
        common: false,
    };
    joined.map(word).collect()
}

/// The keys under which a word is found.
fn keys(word: &Word) -> HashSet<String> {
    let mut keys = HashSet::new();
    for form in [Some(&word.form), word.with_particle.as_ref()].into_iter().flatten() {
        if let Some(group) = form.group {
            keys.insert(format!("={group}"));
        }
        let consonants = skeleton(&form.sound);
        let differ = if consonants.len() >= LONG_SKELETON { 2 } else { usize::from(consonants.len() >= 3) };
        if differ == 0 {
            // So short a skeleton with another letter is another name; the vowels are told apart by their likeness.
            keys.insert(format!("~{consonants}"));
        }
        leave_out(&consonants, differ, &mut keys);
    }
    keys
}

fn leave_out(consonants: &str, differ: usize, keys: &mut HashSet<String>) {
    if keys.insert(consonants.to_owned()) && differ > 0 {
        for at in 0..consonants.len() {
            let rest = format!("{}{}", &consonants[..at], &consonants[at + 1..]);
            leave_out(&rest, differ - 1, keys);
        }
    }
}

/// Words of the lists that are like a word, by their number.
type Likenesses = Arc<HashMap<u32, Likeness>>;

/// Asks an index for many people, one after the other.
pub struct Matcher<'a> {
    index: &'a Index,
    threshold: Score,
    remembered: HashMap<Arc<Word>, Likenesses>,
}

impl Matcher<'_> {
    /// The entries that somebody may be, the likest first.
    pub fn hits(&mut self, facts: &Facts) -> Vec<Hit> {
        let name = Name::read(&facts.name, &self.index.spellings);
        let likenesses: Vec<Likenesses> = name.words.iter().map(|word| self.likenesses(word)).collect();
        let mut best: HashMap<u32, (Score, u32)> = HashMap::new();
        for number in self.candidates(&name, &likenesses) {
            let listed = &self.index.names[number as usize];
            let entry = &self.index.entries[listed.entry as usize].1;
            let evidence = evidence(facts, entry);
            let most = 1_000 + beside_the_name(&evidence);
            if !facts.may_be(entry.kind) || most < i32::from(self.threshold.thousandths()) {
                continue;
            }
            let likeness = |i: usize, j: usize| self.likeness(&name, &likenesses, listed, i, j);
            let overlap = overlap(&name, &listed.name, &self.index.spellings, likeness);
            let score = weigh(&name, &listed.name, &overlap, &evidence);
            if score >= self.threshold && best.get(&listed.entry).is_none_or(|known| known.0 < score) {
                best.insert(listed.entry, (score, number));
            }
        }
        let mut hits: Vec<Hit> =
            best.into_values().map(|(score, number)| self.hit(facts, &name, score, number)).collect();
        hits.sort_by_key(|hit| (std::cmp::Reverse(hit.score), hit.entry));
        hits
    }

    fn hit(&self, facts: &Facts, name: &Name, score: Score, number: u32) -> Hit {
        let listed = &self.index.names[number as usize];
        let (entry, facts_of_entry) = &self.index.entries[listed.entry as usize];
        let evidence = evidence(facts, facts_of_entry);
        let likeness = |i: usize, j: usize| of_words(&name.words[i], &listed.name.words[j]);
        let overlap = overlap(name, &listed.name, &self.index.spellings, likeness);
        Hit { entry: *entry, score, reasons: reasons(name, &listed.name, &overlap, &evidence) }
    }

    /// Initials have no keys; they are looked at one by one.
    fn likeness(&self, name: &Name, known: &[Likenesses], listed: &Listed, i: usize, j: usize) -> Option<Likeness> {
        let other = &listed.name.words[j];
        if name.words[i].is_initial() || other.is_initial() {
            return of_words(&name.words[i], other);
        }
        known[i].get(&listed.words[j]).copied()
    }

    /// Names that may be hits: all that share two words with the person, and some more.
    fn candidates(&mut self, name: &Name, likenesses: &[Likenesses]) -> Vec<u32> {
        let index = self.index;
        let places =
            |known: &Likenesses| -> usize { known.keys().map(|word| index.places[*word as usize].len()).sum() };
        let mut whole: Vec<(usize, &Likenesses)> = name
            .words
            .iter()
            .zip(likenesses)
            .filter(|(word, _)| !word.is_initial())
            .map(|(_, known)| (places(known), known))
            .collect();
        whole.sort_by_key(|(places, _)| *places);
        let several = whole.len() >= 2 && !name.has_initials();
        let most_frequent = if several { whole.pop() } else { None };
        let mut found: Vec<u32> = Vec::new();
        for (_, known) in whole {
            found.extend(known.keys().flat_map(|word| &index.places[*word as usize]));
        }
        if let Some((_, known)) = most_frequent.filter(|_| !index.with_initials.is_empty()) {
            let all = known.keys().flat_map(|word| &index.places[*word as usize]);
            found.extend(all.filter(|number| index.with_initials.contains(number)));
        }
        for word in joined_words(name, &index.spellings) {
            let known = self.likenesses(&Arc::new(word));
            found.extend(known.keys().flat_map(|word| &index.places[*word as usize]));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn likenesses(&mut self, word: &Arc<Word>) -> Likenesses {
        if let Some(known) = self.remembered.get(word) {
            return Arc::clone(known);
        }
        let mut found: HashMap<u32, Likeness> = HashMap::new();
        if !word.is_initial() {
            for key in keys(word) {
                for id in self.index.keys.get(&key).into_iter().flatten() {
                    let other = &self.index.words[*id as usize];
                    if !other.is_initial() && !found.contains_key(id) {
                        found.extend(of_words(word, other).map(|likeness| (*id, likeness)));
                    }
                }
            }
        }
        if self.remembered.len() >= MOST_REMEMBERED {
            self.remembered.clear();
        }
        let found = Arc::new(found);
        self.remembered.insert(Arc::clone(word), Arc::clone(&found));
        found
    }
}

fn evidence<'a>(facts: &'a Facts, entry: &'a ListEntry) -> Evidence<'a> {
    Evidence {
        born: facts.birth_date,
        country: facts.country.as_deref(),
        listed_births: &entry.births,
        listed_countries: &entry.countries,
    }
}
