//! The outbox: what is written with a change is delivered, and nothing else.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use diesel_async::{AsyncConnection, RunQueryDsl};
use platform::cipher::Cipher;
use platform::outbox::{
    Deliver, Delivery, Failure, Message, Redelivery, Worker, backlog, dead_letters, enqueue_in, redeliver,
    return_to_sender,
};
use platform::testing::TestDatabase;
use uuid::Uuid;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Clone, Default)]
struct Recorder {
    delivered: Arc<Mutex<Vec<(Uuid, serde_json::Value)>>>,
    failures_left: Arc<AtomicUsize>,
}

impl Deliver for Recorder {
    fn deliver<'a>(&'a self, id: Uuid, _topic: &'a str, payload: &'a serde_json::Value) -> Delivery<'a> {
        Box::pin(async move {
            let failing =
                self.failures_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if failing.is_ok() {
                return Err(Failure::passing("no answer"));
            }
            tokio::task::yield_now().await;
            self.delivered.lock().map_err(|_| Failure::lasting("poisoned"))?.push((id, payload.clone()));
            Ok(())
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_deliver_each_message_once() -> Result {
    let test = TestDatabase::create().await?;
    let database = test.database()?;
    let cipher = Cipher::try_new(&Cipher::generate_key())?;
    let messages =
        (0..90).map(|n| Message::try_new("mail", &n, &cipher)).collect::<std::result::Result<Vec<_>, _>>()?;
    enqueue_in(&mut *database.connection().await?, &messages).await?;
    let recorder = Recorder::default();
    let worker = || Worker::new(database.clone(), cipher.clone(), recorder.clone());
    let (first, second) = (worker(), worker());
    let drain = async |worker: &Worker<Recorder>| -> Result {
        while worker.deliver_due().await? > 0 {}
        Ok(())
    };
    let (a, b) = tokio::join!(drain(&first), drain(&second));
    a?;
    b?;
    let mut numbers: Vec<i64> =
        recorder.delivered.lock().map_err(|_| "poisoned")?.iter().filter_map(|(_, payload)| payload.as_i64()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..90).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolled_back_change_sends_nothing_and_a_failed_delivery_is_tried_again() -> Result {
    let test = TestDatabase::create().await?;
    let database = test.database()?;
    let cipher = Cipher::try_new(&Cipher::generate_key())?;
    let recorder = Recorder { failures_left: Arc::new(AtomicUsize::new(1)), ..Recorder::default() };
    let worker = Worker::new(database.clone(), cipher.clone(), recorder.clone());
    let mut connection = database.connection().await?;
    let undone: std::result::Result<(), platform::Error> = connection
        .transaction(async |connection| {
            enqueue_in(connection, &[Message::try_new("mail", &"never", &cipher)?]).await?;
            Err(platform::Error::Key)
        })
        .await;
    assert!(undone.is_err());
    enqueue_in(&mut connection, &[Message::try_new("mail", &"again", &cipher)?]).await?;
    assert_eq!(worker.deliver_due().await?, 1);
    assert_eq!(worker.deliver_due().await?, 0, "a failed message waits");
    tokio::time::sleep(std::time::Duration::from_millis(1_400)).await;
    assert_eq!(worker.deliver_due().await?, 1);
    let delivered = recorder.delivered.lock().map_err(|_| "poisoned")?.clone();
    assert_eq!(delivered.len(), 1);
    assert_eq!(delivered[0].1, "again");
    Ok(())
}

/// Never answers for one payload, and records the others.
#[derive(Clone, Default)]
struct HalfDeaf {
    recorder: Recorder,
}

impl Deliver for HalfDeaf {
    fn deliver<'a>(&'a self, id: Uuid, topic: &'a str, payload: &'a serde_json::Value) -> Delivery<'a> {
        if payload == "silence" { Box::pin(std::future::pending()) } else { self.recorder.deliver(id, topic, payload) }
    }
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

async fn number(test: &TestDatabase, scalar: &str) -> Result<i64> {
    let text = format!("select ({scalar})::int8 as number");
    Ok(diesel::sql_query(text).get_result::<Number>(&mut test.owner().await?).await?.number)
}

/// Waits until a worker has a message at hand.
async fn claimed(test: &TestDatabase) -> Result {
    while number(test, "select count(*) from platform.outbox where attempts = 1").await? == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_never_answers_holds_up_nobody_and_is_given_up() -> Result {
    let test = TestDatabase::create().await?;
    let database = test.database()?;
    let cipher = Cipher::try_new(&Cipher::generate_key())?;
    let deaf = HalfDeaf::default();
    let heard = || Ok::<_, String>(deaf.recorder.delivered.lock().map_err(|_| "poisoned".to_owned())?.len());
    let worker = || Worker::new(database.clone(), cipher.clone(), deaf.clone());
    enqueue_in(&mut *database.connection().await?, &[Message::try_new("mail", &"silence", &cipher)?]).await?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(worker().run(async move {
        // That the sender is gone would be a stop too.
        let _ = stopped.await;
    }));
    claimed(&test).await?;
    // While it hangs, no transaction is open, nobody else takes it up, and what comes after it is delivered.
    let open = "select count(*) from pg_stat_activity
        where datname = current_database() and state like 'idle in transaction%'";
    assert_eq!(number(&test, open).await?, 0);
    enqueue_in(&mut *database.connection().await?, &[Message::try_new("mail", &"word", &cipher)?]).await?;
    assert_eq!(worker().deliver_due().await?, 1);
    assert_eq!(heard()?, 1);
    assert_eq!(worker().deliver_due().await?, 0);

    // Told to stop, the worker ends with the message at hand; the next one it leaves.
    enqueue_in(&mut *database.connection().await?, &[Message::try_new("mail", &"later", &cipher)?]).await?;
    stop.send(()).map_err(|()| "the worker is gone")?;
    tokio::time::timeout(std::time::Duration::from_secs(30), running).await??;
    assert_eq!(heard()?, 1);
    let given_up = "select count(*) from platform.outbox
        where attempts = 1 and last_error = 'no answer within 20 s' and delivered_at is null
          and due_at between now() - interval '5 s' and now() + interval '5 s'";
    assert_eq!(number(&test, given_up).await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_worker_died_is_taken_up_after_the_lease() -> Result {
    let test = TestDatabase::create().await?;
    let database = test.database()?;
    let cipher = Cipher::try_new(&Cipher::generate_key())?;
    let recorder = Recorder::default();
    enqueue_in(&mut *database.connection().await?, &[Message::try_new("mail", &"silence", &cipher)?]).await?;
    let dying = Worker::new(database.clone(), cipher.clone(), HalfDeaf::default());
    tokio::select! {
        done = dying.deliver_due() => return Err(format!("silence was answered: {done:?}").into()),
        begun = claimed(&test) => begun?,
    }
    drop(dying);
    let next = Worker::new(database.clone(), cipher, recorder.clone());
    assert_eq!(next.deliver_due().await?, 0, "the lease holds");
    let mut owner = test.owner().await?;
    diesel::sql_query("update platform.outbox set due_at = due_at - interval '60 s'").execute(&mut owner).await?;
    assert_eq!(next.deliver_due().await?, 1);
    assert_eq!(recorder.delivered.lock().map_err(|_| "poisoned")?.len(), 1);
    Ok(())
}

/// Refuses for good what it is told to, until it is told otherwise.
#[derive(Clone, Default)]
struct Particular {
    recorder: Recorder,
    lenient: Arc<AtomicBool>,
}

impl Deliver for Particular {
    fn deliver<'a>(&'a self, id: Uuid, topic: &'a str, payload: &'a serde_json::Value) -> Delivery<'a> {
        if payload == "word" || AtomicBool::load(&self.lenient, Ordering::SeqCst) {
            return self.recorder.deliver(id, topic, payload);
        }
        Box::pin(async { Err(Failure::lasting("nobody lives there")) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lasting_failure_is_not_tried_again_until_a_person_wants_it() -> Result {
    let test = TestDatabase::create().await?;
    let database = test.database()?;
    let cipher = Cipher::try_new(&Cipher::generate_key())?;
    let particular = Particular::default();
    let worker = Worker::new(database.clone(), cipher.clone(), particular.clone());
    let messages = ["first", "word", "second"].map(|payload| Message::try_new("mail", &payload, &cipher));
    let messages = messages.into_iter().collect::<std::result::Result<Vec<_>, _>>()?;
    let mut connection = database.connection().await?;
    enqueue_in(&mut connection, &messages).await?;
    while worker.deliver_due().await? > 0 {}
    assert_eq!(number(&test, "select sum(attempts) from platform.outbox").await?, 3);

    let dead = dead_letters(&mut connection, None, 10).await?;
    let told: Vec<_> = dead.iter().map(|one| (one.attempts, one.topic.as_str(), one.last_error.as_deref())).collect();
    assert_eq!(told, [(1, "mail", Some("nobody lives there")); 2]);
    assert!(dead[0].dead_at >= dead[1].dead_at, "the last one comes first");
    let next = dead_letters(&mut connection, Some((dead[0].dead_at, dead[0].id)), 10).await?;
    assert_eq!(next.iter().map(|one| one.id).collect::<Vec<_>>(), [dead[1].id]);

    particular.lenient.store(true, Ordering::SeqCst);
    assert_eq!(worker.deliver_due().await?, 0);
    assert_eq!(redeliver(&mut connection, dead[0].id).await?, Redelivery::Due);
    assert_eq!(redeliver(&mut connection, dead[0].id).await?, Redelivery::NotDead);
    assert_eq!(redeliver(&mut connection, Uuid::now_v7()).await?, Redelivery::Unknown);
    assert_eq!(worker.deliver_due().await?, 1);
    assert_eq!(redeliver(&mut connection, dead[0].id).await?, Redelivery::NotDead);
    let delivered = particular.recorder.delivered.lock().map_err(|_| "poisoned")?.clone();
    assert_eq!(delivered.len(), 2);
    assert_eq!(delivered[1].0, dead[0].id, "under the id that it had");
    assert_eq!(dead_letters(&mut connection, None, 10).await?.len(), 1);

    // What was handed over may still come back.
    assert!(return_to_sender(&mut connection, delivered[0].0, "it came back: 5.1.1").await?);
    assert!(return_to_sender(&mut connection, delivered[0].0, "it came back: 5.2.2").await?);
    assert!(!return_to_sender(&mut connection, Uuid::now_v7(), "it came back: 5.1.1").await?);
    assert_eq!(backlog(&mut connection).await?, (0, 2));
    let dead = dead_letters(&mut connection, None, 10).await?;
    assert_eq!((dead.len(), dead[0].last_error.as_deref()), (2, Some("it came back: 5.1.1")));
    Ok(())
}
