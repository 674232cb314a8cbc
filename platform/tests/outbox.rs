//! The outbox: what is written with a change is delivered, and nothing else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use diesel_async::AsyncConnection;
use platform::cipher::Cipher;
use platform::outbox::{Deliver, Delivery, Message, Worker, enqueue_in};
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
                return Err("no answer".to_owned());
            }
            tokio::task::yield_now().await;
            self.delivered.lock().map_err(|_| "poisoned".to_owned())?.push((id, payload.clone()));
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
