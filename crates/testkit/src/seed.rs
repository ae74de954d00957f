//! Randomness that can be repeated.

use std::env;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Set this environment variable to repeat a run.
pub const SEED_VARIABLE: &str = "TIDEGATE_SEED";

/// A seed that says how to repeat itself when the test that holds it fails.
#[derive(Debug)]
pub struct Seed(u64);

impl Seed {
    /// The seed that the environment names, or else a new one.
    ///
    /// # Panics
    /// When the environment's is not a number: a run that was to be repeated must not differ.
    pub fn new() -> Self {
        Self(match env::var(SEED_VARIABLE) {
            Ok(text) => match text.parse() {
                Ok(seed) => seed,
                Err(error) => panic!("{SEED_VARIABLE}={text}: {error}"),
            },
            Err(_) => rand::random(),
        })
    }

    /// A given seed.
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Its number.
    pub const fn get(&self) -> u64 {
        self.0
    }

    /// A generator; each call starts it anew.
    pub fn rng(&self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.0)
    }
}

impl Default for Seed {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to repeat this run: {SEED_VARIABLE}={}", self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn the_same_seed_repeats() {
        let draw = |seed: u64| Seed::of(seed).rng().random::<u64>();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
