//! The change feed: committed entries in the book's order, from any place on, and then as they come.
//!
//! A consumer's place is a sequence: the last one it has dealt with. It gets every entry after it, each once and in
//! order; whoever comes back after a day names its place and goes on there.
//!
//! # Cost
//! Entries are read in small pages by their primary keys, through the pool of the [`Ledger`] that the feed was made
//! from; give it one of its own by [`Ledger::reading_through`]. A page is read when the consumer asks for it, so a slow
//! one keeps one page in memory and nothing waits for it. The writer is never asked.
//!
//! # Own entries
//! Whoever may see some accounts only follows those: entries with postings on them, and of each entry these postings
//! alone. They are found along the accounts' index, so the rest of the book costs nothing.
//!
//! # Waking
//! While somebody follows, the book's head is looked at four times a second, and at once when the writer of this
//! process has committed a batch ([`FeedWaker`]); other processes may write too.

mod own;
mod page;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::sync::{Notify, watch};

use crate::{AccountCode, Error, Ledger, Observer, Sequence};
pub use own::OwnPage;
pub use page::{FeedEntry, FeedHoldChange, FeedPage, FeedPosting, MAX_FEED_ENTRIES};

/// How often the head is looked at when nothing wakes.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The least time between two looks, however fast batches are committed.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);
/// Entries that a follower reads at once.
const FOLLOWED_AT_ONCE: i64 = 100;

/// Tells feeds of this process that something was committed. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct FeedWaker(Arc<Notify>);

impl FeedWaker {
    /// An observer of batches that wakes, and then tells another one.
    #[must_use]
    pub fn observer(&self, other: Observer) -> Observer {
        let waker = self.clone();
        Arc::new(move |batch| {
            waker.wake();
            other(batch);
        })
    }

    /// Lets the head be looked at now.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// The change feed of a book. Ends when it is closed or dropped.
pub struct Feed {
    ledger: Ledger,
    heads: watch::Sender<Sequence>,
    closed: watch::Sender<bool>,
}

impl Ledger {
    /// Starts the feed of the book, read through this handle's pool.
    #[must_use]
    pub fn feed(&self, waker: &FeedWaker) -> Feed {
        let heads = watch::Sender::new(Sequence::new(0));
        let closed = watch::Sender::new(false);
        tokio::spawn(look(self.clone(), heads.clone(), waker.clone(), closed.subscribe()));
        Feed { ledger: self.clone(), heads, closed }
    }
}

impl Feed {
    /// Every entry after `after`, in pages that are never empty, then those to come; ends when the feed is closed.
    ///
    /// The first failure ends the stream: [`Error::SequenceAhead`] for a place that the book has not reached, others
    /// when the database does not answer. Follow again from the last entry that came.
    pub fn follow(&self, after: Sequence) -> impl Stream<Item = Result<Vec<FeedEntry>, Error>> + Send + use<> {
        self.follow_within(after, None)
    }

    /// The same of entries that touch some accounts, with their postings on these alone. A place that the book has not
    /// reached is waited for.
    pub fn follow_own(
        &self,
        accounts: Vec<AccountCode>,
        after: Sequence,
    ) -> impl Stream<Item = Result<Vec<FeedEntry>, Error>> + Send + use<> {
        self.follow_within(after, Some(accounts))
    }

    fn follow_within(
        &self,
        after: Sequence,
        accounts: Option<Vec<AccountCode>>,
    ) -> impl Stream<Item = Result<Vec<FeedEntry>, Error>> + Send + use<> {
        let follower = Follower {
            ledger: self.ledger.clone(),
            heads: self.heads.subscribe(),
            closed: self.closed.subscribe(),
            after,
            accounts,
        };
        stream::unfold(Some(follower), async |follower| {
            let mut follower = follower?;
            match follower.next().await {
                Ok(page) if page.is_empty() => None,
                Ok(page) => Some((Ok(page), Some(follower))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    /// A page of entries; see [`Ledger::entries_after`].
    ///
    /// # Errors
    /// As there.
    pub async fn page(&self, after: Sequence, limit: i64) -> Result<FeedPage, Error> {
        self.ledger.entries_after(after, limit).await
    }

    /// A page of entries that touch some accounts; see [`Ledger::own_entries_after`].
    ///
    /// # Errors
    /// As there.
    pub async fn own_page(&self, accounts: &[AccountCode], after: Sequence, limit: i64) -> Result<OwnPage, Error> {
        self.ledger.own_entries_after(accounts, after, limit).await
    }

    /// Ends all who follow.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }
}

struct Follower {
    ledger: Ledger,
    heads: watch::Receiver<Sequence>,
    closed: watch::Receiver<bool>,
    /// The last entry that was brought.
    after: Sequence,
    /// Those that are followed; all when left out.
    accounts: Option<Vec<AccountCode>>,
}

impl Follower {
    /// The next entries, as soon as there are any; none when the feed is closed.
    async fn next(&mut self) -> Result<Vec<FeedEntry>, Error> {
        while !*self.closed.borrow() {
            let (entries, seen) = self.look().await?;
            if let Some(last) = entries.last() {
                self.after = last.sequence;
                return Ok(entries);
            }
            // Nothing of ours up to there: it need not be looked at again. A place ahead of the book stays where it is.
            self.after = self.after.max(seen);
            tokio::select! {
                _ = self.closed.wait_for(|closed| *closed) => break,
                moved = self.heads.wait_for(|head| *head > seen) => {
                    if moved.is_err() {
                        break;
                    }
                }
            }
        }
        Ok(Vec::new())
    }

    /// Entries after the place, and how far was looked.
    async fn look(&self) -> Result<(Vec<FeedEntry>, Sequence), Error> {
        Ok(match &self.accounts {
            None => {
                let page = self.ledger.entries_after(self.after, FOLLOWED_AT_ONCE).await?;
                (page.entries, page.head)
            }
            Some(accounts) => {
                let page = self.ledger.own_entries_after(accounts, self.after, FOLLOWED_AT_ONCE).await?;
                (page.entries, page.head)
            }
        })
    }
}

/// Looks where the book stands while somebody follows, until the feed is closed or dropped.
async fn look(ledger: Ledger, heads: watch::Sender<Sequence>, waker: FeedWaker, mut closed: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = closed.wait_for(|closed| *closed) => return,
            // Woken or not, it is time to look.
            _ = tokio::time::timeout(LOOK_EVERY, waker.0.notified()) => {}
        }
        if heads.receiver_count() == 0 {
            continue;
        }
        match ledger.head().await {
            Ok(head) => {
                heads.send_if_modified(|known| std::mem::replace(known, head) != head);
            }
            Err(error) => tracing::warn!(%error, "the feed cannot see where the book stands"),
        }
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
    }
}
