//! What is done without being asked: each task by a loop of its own, safe in any number of processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, SystemTime};

use chrono::Datelike as _;
use ledger::{LogError, Outcome, PostError, Recovery, Refusal, UnitOfWork};
use platform::outbox::Worker;
use remittance::PayInState;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::funding::match_pay_ins;
use crate::house::House;
use crate::idempotency;
use crate::mail::Postman;
use crate::problem::Problem;
use crate::request_limits::Limits;
use crate::screened::Screened;

/// Messages that are delivered at once: a mail server that does not answer must not hold up who waits for a code.
const DELIVERIES_AT_ONCE: usize = 4;
/// How often campaigns and refunds are looked at.
const CAMPAIGNS_EVERY: Duration = Duration::from_secs(1);
/// How often what was received and not matched is taken up again; a crash between the two leaves it.
const PAY_INS_EVERY: Duration = Duration::from_secs(5);
/// How often transfers between books are looked for that a crash left on their way.
const TRANSFERS_EVERY: Duration = Duration::from_secs(5);
/// How often closes are looked for that are not recorded.
const CLOSES_EVERY: Duration = Duration::from_secs(5);
/// How often the heads of the books' logs are signed.
const LOGS_EVERY: Duration = Duration::from_secs(1);
/// How often remittances that were not paid are ended, and what is old is removed.
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked whether a list has changed, and who was not held against it yet.
const SCREENING_EVERY: Duration = Duration::from_secs(5);
/// People who are held against the lists at once: their rows are locked meanwhile.
const SCREENED_AT_ONCE: i64 = 1_000;
/// How often it is looked whether a child came of age.
const BIRTHDAYS_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked whether documents have expired, or do so soon.
const DOCUMENTS_EVERY: Duration = Duration::from_secs(5);
/// How often the rates file is looked at.
const RATES_EVERY: Duration = Duration::from_secs(5);
/// Units of work that one look hands to the ledger.
const UNITS_AT_ONCE: i64 = 500;

/// Running workers; see [`start`].
pub(crate) struct Workers {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Workers {
    /// Waits until each has finished what it was at.
    pub(crate) async fn stop(mut self) {
        // Workers that are gone need not be told.
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Starts all workers.
pub(crate) fn start(house: &Arc<House>, postman: Postman, limits: Arc<Limits>) -> Workers {
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let postman = Arc::new(postman);
    for _ in 0..DELIVERIES_AT_ONCE {
        let mut stopped = stopped.clone();
        let outbox = Worker::new(house.database.clone(), house.cipher.clone(), Arc::clone(&postman));
        tasks.spawn(async move {
            outbox
                .run(async move {
                    // Whoever could say stop is gone: that is a stop too.
                    let _ = stopped.wait_for(|stop| *stop).await;
                })
                .await;
        });
    }
    tasks.spawn(every(CAMPAIGNS_EVERY, "campaigns", Arc::clone(house), stopped.clone(), async |house| {
        end_campaigns(house).await
    }));
    tasks.spawn(every(PAY_INS_EVERY, "pay-ins", Arc::clone(house), stopped.clone(), async |house| {
        take_up_pay_ins(house).await
    }));
    tasks.spawn(every(TRANSFERS_EVERY, "transfers between books", Arc::clone(house), stopped.clone(), async |house| {
        recover_transfers(house).await
    }));
    tasks.spawn(every(CLOSES_EVERY, "closes", Arc::clone(house), stopped.clone(), async |house| {
        record_closes(house).await
    }));
    tasks.spawn(every(LOGS_EVERY, "logs", Arc::clone(house), stopped.clone(), async |house| keep_logs(house).await));
    tasks.spawn(every(SCREENING_EVERY, "screening", Arc::clone(house), stopped.clone(), async |house| {
        screen_again(house).await
    }));
    let looked_on = AtomicI32::new(0);
    tasks.spawn(every(BIRTHDAYS_EVERY, "birthdays", Arc::clone(house), stopped.clone(), async move |house| {
        end_protection(house, &looked_on).await
    }));
    tasks.spawn(every(DOCUMENTS_EVERY, "documents", Arc::clone(house), stopped.clone(), async |house| {
        end_documents(house).await
    }));
    tasks.spawn(every(TIDY_EVERY, "tidying", Arc::clone(house), stopped.clone(), async move |house| {
        limits.tidy();
        tidy_books(house).await?;
        house.remittances.expire_unpaid().await?;
        idempotency::forget_old(house).await?;
        Ok(())
    }));
    tasks.spawn(watch_rates(Arc::clone(house), stopped));
    Workers { stop, tasks }
}

async fn every(
    pause: Duration,
    name: &'static str,
    house: Arc<House>,
    mut stopped: watch::Receiver<bool>,
    work: impl AsyncFn(&House) -> Result<(), Problem>,
) {
    loop {
        if let Err(problem) = work(&house).await {
            tracing::warn!(worker = name, %problem, "a worker's round failed; it goes on with the next");
        }
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Ends campaigns whose deadline has passed, gives back what failed ones hold, and releases tranches whose release was
/// cut off after the last approval, or waited for a review.
async fn end_campaigns(house: &House) -> Result<(), Problem> {
    // A campaign that cannot be ended must not keep others' money from going back.
    match house.projects.end_due().await {
        Ok(0) => {}
        Ok(ended) => tracing::info!(ended, "ended campaigns at their deadline"),
        Err(error) => tracing::error!(%error, "a campaign cannot be ended"),
    }
    loop {
        let refunded = post_due(house, house.commitments.refunds_due(UNITS_AT_ONCE).await?).await?;
        if refunded == 0 {
            break;
        }
        tracing::info!(refunded, "gave back commitments of failed projects");
    }
    let released = post_due(house, house.milestones.releases_due(UNITS_AT_ONCE, &Screened(house)).await?).await?;
    if released > 0 {
        tracing::info!(released, "released tranches that were approved");
    }
    Ok(())
}

/// Posts what is due; answers how many units were booked now.
async fn post_due(house: &House, units: Vec<UnitOfWork>) -> Result<usize, Problem> {
    if units.is_empty() {
        return Ok(0);
    }
    let mut booked = 0;
    for answer in house.ledger.post_all(units).await? {
        match answer {
            Ok(receipt) => booked += usize::from(receipt.outcome == Outcome::Booked),
            // Another process was first.
            Err(PostError::Refused(Refusal::EffectNotApplicable { .. })) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(booked)
}

/// Holds everybody against the lists who was not since a list changed.
async fn screen_again(house: &House) -> Result<(), Problem> {
    let mut screened = 0;
    loop {
        let part = house.screening.screen_due(SCREENED_AT_ONCE).await?;
        screened += part;
        if part == 0 {
            break;
        }
    }
    if screened > 0 {
        tracing::info!(screened, "held people against lists that changed");
    }
    Ok(())
}

/// Lets accounts wait for those who came of age: looked at once a day, since all birthdays begin with one.
async fn end_protection(house: &House, looked_on: &AtomicI32) -> Result<(), Problem> {
    let today = house.clock.today().num_days_from_ce();
    if looked_on.load(Ordering::Relaxed) == today {
        return Ok(());
    }
    let ended = house.families.children.end_protection().await?;
    if ended > 0 {
        tracing::info!(ended, "children came of age");
    }
    looked_on.store(today, Ordering::Relaxed);
    Ok(())
}

/// Ends documents whose last day is over, with the tier that they carried, and reminds of those that follow.
async fn end_documents(house: &House) -> Result<(), Problem> {
    let (ended, reminded) = (house.documents.expire_due().await?, house.documents.remind_due().await?);
    if ended + reminded > 0 {
        tracing::info!(ended, reminded, "looked at documents that expire");
    }
    Ok(())
}

async fn take_up_pay_ins(house: &House) -> Result<(), Problem> {
    let received = house.pay_ins.list(PayInState::Received, None, 200).await?;
    // What came in a moment ago is in the hands of the request that brought it.
    let settled = house.clock.now() - chrono::Duration::seconds(30);
    let left: Vec<_> = received.into_iter().filter(|pay_in| pay_in.received_at < settled).collect();
    if !left.is_empty() {
        tracing::info!(count = left.len(), "took up pay-ins that were left unmatched");
        match_pay_ins(house, left).await?;
    }
    Ok(())
}

/// Brings transfers between books to their end that nobody drives any more.
async fn recover_transfers(house: &House) -> Result<(), Problem> {
    let recovery = house.clearing.recover().await?;
    if recovery != Recovery::default() {
        let Recovery { arrived, returned, refused, left } = recovery;
        tracing::info!(arrived, returned, refused, left, "took up transfers between books");
    }
    Ok(())
}

/// Takes expired holds off the lists of each book.
async fn tidy_books(house: &House) -> Result<(), Problem> {
    for book in house.clearing.books() {
        let expired = book.tidy_expired_holds(UNITS_AT_ONCE).await?;
        if expired > 0 {
            tracing::info!(book = book.book().number(), expired, "tidied holds");
        }
    }
    Ok(())
}

/// Records what closes found, in each book.
async fn record_closes(house: &House) -> Result<(), Problem> {
    for book in house.clearing.books() {
        let closes = book.record_closes().await?;
        if closes > 0 {
            tracing::info!(book = book.book().number(), closes, "recorded closes");
        }
    }
    Ok(())
}

/// Stores what has become full of each book's log and signs its head. What is far behind goes on with the next round.
async fn keep_logs(house: &House) -> Result<(), Problem> {
    for book in house.clearing.books() {
        match house.logs.signer(book.book()) {
            // A log that is not signed must not keep the others from being signed.
            Some(signer) => match book.keep_log(signer).await {
                Ok(_) => {}
                Err(error @ LogError::Disagrees { .. }) => {
                    tracing::error!(book = book.book().number(), %error, "a log is not signed any more: look at once");
                }
                Err(error) => return Err(error.into()),
            },
            None => tracing::error!(book = book.book().number(), "a log has no key"),
        }
    }
    Ok(())
}

/// Reads the rates file at the start and whenever it changes. A faulty file is named in the log and changes nothing.
async fn watch_rates(house: Arc<House>, mut stopped: watch::Receiver<bool>) {
    let Some(path) = house.configuration.settings.rates.file.clone() else { return };
    let mut read_at: Option<SystemTime> = None;
    loop {
        let changed = tokio::fs::metadata(&path).await.and_then(|status| status.modified()).ok();
        if changed != read_at {
            match read_rates(&house, &path).await {
                Ok(new) => tracing::info!(new, "read the rates file"),
                Err(reason) => tracing::error!(reason, "the rates file cannot be used"),
            }
            read_at = changed;
        }
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(RATES_EVERY) => {}
        }
    }
}

async fn read_rates(house: &House, path: &std::path::Path) -> Result<usize, String> {
    let text = tokio::fs::read_to_string(path).await.map_err(|error| error.to_string())?;
    let rates = remittance::rates_from_toml(&text).map_err(|error| error.to_string())?;
    house.rates.set(&rates).await.map_err(|error| error.to_string())
}
