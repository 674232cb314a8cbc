//! A decision about a child's money rests on a version: what changed since then is not slipped under.

use chrono::Duration;
use diesel_async::SimpleAsyncConnection;
use ledger::{AsOf, Currency, Ledger, PostError, Receipt, Refusal, UnitOfWork, WriterTask};
use onboarding::screening::{Score, Screening, Spellings};
use onboarding::{
    Allowance, Asked, ChildId, Children, DepositId, Guardians, HouseholdId, Households, InstitutionCode, Invitations,
    NewChild, NewSpending, Person, Purpose, Rules, SpendingId, Spendings,
};
use platform::cipher::Cipher;
use tests::Result;
use tests::book::{account, euro, open, unit};

use crate::door::Door;

const SPELLINGS: &str = include_str!("../../config/screening.toml");
const PASSWORD: &str = "baobab-au-bord-du-fleuve";

/// A child of two guardians, with 100 EUR; of age in ten days.
struct Nursery {
    door: Door,
    ledger: Ledger,
    awa: Person,
    binta: Person,
    child: ChildId,
    children: Children,
    guardians: Guardians,
    spendings: Spendings,
    _writer: WriterTask,
}

impl Nursery {
    async fn new() -> Result<Self> {
        let door = Door::new().await?;
        let (database, clock) = (door.test.database()?, door.clock.clone());
        let cipher = Cipher::try_new(&Cipher::generate_key())?;
        let (ledger, writer) = open(&database, clock.clone()).await?;
        for contact in ["awa@example.org", "binta@example.org"] {
            door.member(contact, PASSWORD).await?;
        }
        door.test.owner().await?.batch_execute("update onboarding.people set tier = 1").await?;
        let (awa, binta) = (person(&door, "awa@example.org").await?, person(&door, "binta@example.org").await?);
        let spellings = Spellings::from_toml(SPELLINGS)?;
        let screening = Screening::new(database.clone(), cipher.clone(), clock.clone(), spellings, Score::new(850));
        let households = Households::new(database.clone(), cipher.clone(), clock.clone());
        let invitations = Invitations::new(database.clone(), cipher.clone(), clock.clone(), screening);
        let home = households.make(&awa, HouseholdId::generate(), "Famille Ndiaye").await?.id;
        invitations.join(&binta, &invitations.invite(&awa, home).await?.code).await?;
        let members = households.get(&awa, home).await?.members;
        let second = members.iter().find(|member| member.person == binta.id()).map(|member| member.id);
        let school = Allowance { purpose: Purpose::School, ceiling: euro(8_000), institution: None };
        let rules = Rules::try_new(euro(5_000), vec![school])?;
        let born = "2008-03-12".parse()?;
        let new = NewChild::try_new("Khady Ndiaye", born, rules, clock.now())?;
        let children = Children::new(database, cipher, clock);
        let guardians = Guardians::new(children.clone());
        let child = children.register(&awa, home, ChildId::generate(), &new, second).await?.id;
        guardians.accept(&binta, child).await?;
        let spendings = Spendings::new(children.clone());
        let nursery = Self { door, ledger, awa, binta, child, children, guardians, spendings, _writer: writer };
        let wallet = format!("liabilities:wallets:{}", nursery.awa.id());
        nursery.ledger.post(unit(&nursery.ledger, &wallet, "assets:pay-in:bank", euro(50_000))).await?;
        nursery.ledger.post(nursery.depositing(10_000).await?).await?;
        Ok(nursery)
    }

    async fn depositing(&self, cents: i64) -> Result<UnitOfWork> {
        Ok(self.children.depositing(&self.awa, self.child, DepositId::generate(), euro(cents)).await?.1)
    }

    /// Awa asks for so much; none when it waits for Binta.
    async fn ask(&self, id: SpendingId, cents: i64) -> Result<Option<UnitOfWork>> {
        let caisse = InstitutionCode::try_new("caisse-thies")?;
        let new = NewSpending::try_new(Purpose::School, euro(cents), caisse, "Second term")?;
        Ok(match self.spendings.request(&self.awa, self.child, id, &new).await? {
            Asked::Order(unit) => Some(*unit),
            Asked::Kept => None,
        })
    }

    async fn ordering(&self, cents: i64) -> Result<UnitOfWork> {
        self.ask(SpendingId::generate(), cents).await?.ok_or_else(|| "it waits".into())
    }

    async fn kept(&self) -> Result<i64> {
        let code = account(&format!("liabilities:savings:{}", self.child));
        Ok(self.ledger.balance(&code, Currency::EUR, AsOf::Now).await?.minor())
    }
}

async fn person(door: &Door, contact: &str) -> Result<Person> {
    door.recognised(&door.entered(contact, PASSWORD, "192.0.2.7").await?).await
}

#[track_caller]
fn assert_overtaken(answer: &std::result::Result<Receipt, PostError>) {
    let overtaken = matches!(answer, Err(PostError::Refused(Refusal::EffectNotApplicable { .. })));
    assert!(overtaken, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardian_who_left_after_the_decision_decided_nothing() -> Result {
    let nursery = Nursery::new().await?;
    let id = SpendingId::generate();
    assert!(nursery.ask(id, 6_000).await?.is_none(), "it is above the limit");
    let approved = nursery.spendings.approving(&nursery.binta, id).await?.ok_or("a unit of work")?;
    let small = nursery.ordering(1_000).await?;
    let child = nursery.children.get(&nursery.awa, nursery.child).await?;
    let own = child.guardians.iter().find(|one| one.person == nursery.awa.id()).ok_or("a guardian")?.id;
    nursery.guardians.end(&nursery.awa, nursery.child, own).await?;
    assert_overtaken(&nursery.ledger.post(approved).await);
    assert_overtaken(&nursery.ledger.post(small).await);
    assert!(nursery.spendings.approving(&nursery.binta, id).await.is_err(), "nobody asks for it any more");
    assert_eq!(nursery.kept().await?, 10_000);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_orders_that_rest_on_the_same_ground_one_is_booked_in_one_batch_or_in_two() -> Result {
    let nursery = Nursery::new().await?;
    // Each fits the ceiling of 80 EUR, the two together do not.
    let units = vec![nursery.ordering(4_500).await?, nursery.ordering(4_500).await?];
    let late = nursery.ordering(3_000).await?;
    let answers = nursery.ledger.post_all(units).await?;
    assert!(answers[0].is_ok(), "{answers:?}");
    assert_overtaken(&answers[1]);
    assert_overtaken(&nursery.ledger.post(late).await);
    assert_eq!(nursery.kept().await?, 5_500);
    assert!(nursery.ask(SpendingId::generate(), 3_501).await.is_err(), "35 EUR are left");
    nursery.ledger.post(nursery.ordering(3_500).await?).await?;
    assert_eq!(nursery.kept().await?, 2_000);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_before_the_birthday_is_not_booked_on_it() -> Result {
    let nursery = Nursery::new().await?;
    nursery.door.clock.advance(Duration::days(9) + Duration::hours(14));
    let (order, deposit) = (nursery.ordering(1_000).await?, nursery.depositing(1_000).await?);
    nursery.door.clock.advance(Duration::hours(1));
    assert_overtaken(&nursery.ledger.post(order).await);
    assert_overtaken(&nursery.ledger.post(deposit).await);
    assert!(nursery.ask(SpendingId::generate(), 1_000).await.is_err());
    assert_eq!(nursery.children.end_protection().await?, 1);
    assert_eq!(nursery.children.end_protection().await?, 0);
    assert_eq!(nursery.kept().await?, 10_000);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn deposits_of_one_moment_are_booked_together() -> Result {
    let nursery = Nursery::new().await?;
    let order = nursery.ordering(1_000).await?;
    let mut units = Vec::new();
    for _ in 0..5 {
        units.push(nursery.depositing(100).await?);
    }
    let again = units[0].clone();
    assert!(nursery.ledger.post_all(units).await?.iter().all(std::result::Result::is_ok));
    nursery.ledger.post(again).await?;
    assert_eq!(nursery.kept().await?, 10_500);
    // The order was decided on what was there before; it is decided anew.
    assert_overtaken(&nursery.ledger.post(order).await);
    nursery.ledger.post(nursery.ordering(1_000).await?).await?;
    Ok(())
}
