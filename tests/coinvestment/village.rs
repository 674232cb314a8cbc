//! A village that wants a well: the rooms on a database of their own, and the ordinary case in a line.

use std::collections::HashSet;

use chrono::Duration;
use coinvestment::{
    Acquaintance, Clearance, Commitments, ContributorId, Disbursements, Kind, MilestoneDraft, Milestones, NewProject,
    OwnerId, Party, Project, ProjectDraft, ProjectId, Projects, Standing, VettingDecision,
};
use diesel_async::RunQueryDsl;
use ledger::{
    AsOf, BasisPoints, Currency, Entry, EntryKind, IdempotencyKey, Ledger, Money, PostError, Refusal, UnitOfWork,
    WriterTask,
};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::testing::TestDatabase;
use tests::book::{Result, account, euro, open};
use uuid::Uuid;

pub const BANK: &str = "assets:pay-in:bank";
pub const INSTITUTION: &str = "caisse-thies";

/// Everybody is known by a document.
pub struct WellKnown;

impl Acquaintance for WellKnown {
    async fn standing(&self, _: ContributorId) -> std::result::Result<Standing, coinvestment::Error> {
        Ok(Standing::Documented)
    }
}

pub struct Village {
    pub test: TestDatabase,
    pub clock: Clock,
    pub ledger: Ledger,
    pub owner: OwnerId,
    pub operator: Party,
    pub projects: Projects,
    pub commitments: Commitments,
    pub milestones: Milestones,
    pub disbursements: Disbursements,
    _writer: WriterTask,
}

/// Whom the village's tests let wait.
#[derive(Default)]
pub struct Waiting(pub Vec<Uuid>);

impl Clearance for Waiting {
    async fn waiting(&self, parties: Vec<Uuid>) -> std::result::Result<HashSet<Uuid>, coinvestment::Error> {
        Ok(parties.into_iter().filter(|party| self.0.contains(party)).collect())
    }
}

impl Village {
    pub async fn new() -> Result<Self> {
        let test = TestDatabase::create().await?;
        let database = test.database()?;
        let clock = Clock::fixed("2026-03-01T08:00:00Z".parse()?);
        let (ledger, writer) = open(&database, clock.clone()).await?;
        let cipher = Cipher::try_new(&Cipher::generate_key())?;
        Ok(Self {
            test,
            ledger,
            owner: OwnerId::generate(),
            operator: Party::Operator(Uuid::now_v7()),
            projects: Projects::new(database.clone(), cipher.clone(), clock.clone()),
            commitments: Commitments::new(database.clone(), clock.clone()),
            milestones: Milestones::new(database.clone(), cipher.clone(), clock.clone()),
            disbursements: Disbursements::new(database, cipher, clock.clone()),
            clock,
            _writer: writer,
        })
    }

    /// A well: 100 to 200 EUR within 30 days, 60 % for the drilling and 40 % for the pump.
    pub fn draft(&self) -> ProjectDraft {
        let milestone = |title: &str, share, supplier: &str| MilestoneDraft {
            title: title.to_owned(),
            share: BasisPoints::new(share),
            supplier: supplier.to_owned(),
        };
        ProjectDraft {
            kind: Kind::Community,
            title: "A well for Keur Massar".to_owned(),
            summary: "Clean water for 300 households.".to_owned(),
            institution: INSTITUTION.to_owned(),
            minimum: euro(10_000),
            maximum: euro(20_000),
            deadline: self.clock.now() + Duration::days(30),
            milestones: vec![
                milestone("Drilled", 6_000, "Forages Moussa Diop"),
                milestone("The pump runs", 4_000, "Awa Fall"),
            ],
        }
    }

    pub async fn submitted(&self, change: impl FnOnce(&mut ProjectDraft)) -> Result<Project> {
        let mut draft = self.draft();
        change(&mut draft);
        let project = NewProject::try_new(draft, self.clock.now())?;
        Ok(self.projects.submit(self.owner, ProjectId::generate(), project).await?)
    }

    pub async fn opened(&self, change: impl FnOnce(&mut ProjectDraft)) -> Result<Project> {
        let project = self.submitted(change).await?;
        self.projects.vet(INSTITUTION, project.id, approval()).await?;
        Ok(self.projects.open(self.owner, project.id).await?)
    }

    /// A project that raised so much and was closed.
    pub async fn funded(&self, cents: i64) -> Result<Project> {
        let project = self.opened(|_| {}).await?;
        self.commit(&project, cents).await?;
        Ok(self.projects.close(self.owner, project.id).await?)
    }

    /// A remittance of somebody's with one part, to a project.
    pub async fn committing(
        &self,
        project: ProjectId,
        contributor: ContributorId,
        remittance: Uuid,
        cents: i64,
    ) -> Result<UnitOfWork> {
        let placing = self.commitments.placing(project, contributor, remittance, euro(cents), &WellKnown).await?;
        let entry = Entry::builder(EntryKind::new("remittance-funded"), self.ledger.today())
            .debit(account(BANK), euro(cents))
            .credit(placing.account, euro(cents))
            .build()?;
        Ok(UnitOfWork::new(IdempotencyKey::derived(remittance, "fund"), entry).causing(placing.effect))
    }

    /// Whether a project takes so much of somebody who is well known.
    pub async fn takes(&self, project: ProjectId, amount: Money) -> std::result::Result<(), coinvestment::Error> {
        self.commitments.check(project, ContributorId::generate(), amount, &WellKnown).await
    }

    /// Somebody new commits so much; answers who, and the remittance.
    pub async fn commit(&self, project: &Project, cents: i64) -> Result<(ContributorId, Uuid)> {
        let (contributor, remittance) = (ContributorId::generate(), Uuid::now_v7());
        self.ledger.post(self.committing(project.id, contributor, remittance, cents).await?).await?;
        Ok((contributor, remittance))
    }

    /// Reports a milestone and has both parties approve it.
    pub async fn reach(&self, project: &Project, ordinal: usize) -> Result<UnitOfWork> {
        let milestone = self.milestones.of(project.id).await?.remove(ordinal - 1).id;
        self.milestones.report(self.owner, milestone, "photographs and the invoice").await?;
        self.milestones.approve(Party::Institution(INSTITUTION.to_owned()), milestone).await?;
        self.milestones.approve(self.operator.clone(), milestone).await?;
        Ok(self.milestones.releasing(milestone, &Waiting::default()).await?)
    }

    /// What an account holds; nothing when it was never used.
    pub async fn balance(&self, code: &str) -> Result<i64> {
        match self.ledger.balance(&account(code), Currency::EUR, AsOf::Now).await {
            Ok(balance) => Ok(balance.minor()),
            Err(ledger::Error::UnknownAccount { .. }) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    pub async fn escrow(&self, project: &Project) -> Result<i64> {
        self.balance(&format!("liabilities:escrow:{}", project.id)).await
    }

    /// What is live of the commitments is what was raised, and is in escrow or released.
    pub async fn check_money(&self, project: &Project) -> Result {
        #[derive(diesel::QueryableByName)]
        struct Sums {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            live: i64,
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            released: i64,
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            raised: i64,
        }
        let text = "select
                (select coalesce(sum(c.amount_minor), 0)::int8 from coinvestment.commitments c
                 where c.project_id = p.project_id and c.state in ('held', 'confirmed', 'invested')) as live,
                (select coalesce(sum(d.amount_minor), 0)::int8 from coinvestment.disbursements d
                 join coinvestment.milestones m using (milestone_id)
                 where m.project_id = p.project_id) as released,
                p.raised_minor as raised
            from coinvestment.projects p
            where p.project_id = $1";
        let mut owner = self.test.owner().await?;
        let sums: Sums =
            diesel::sql_query(text).bind::<diesel::sql_types::Uuid, _>(project.id).get_result(&mut owner).await?;
        assert_eq!(sums.live, self.escrow(project).await? + sums.released);
        assert_eq!(sums.live, sums.raised);
        Ok(())
    }

    pub async fn head(&self) -> Result<i64> {
        Ok(self.ledger.head().await?.number())
    }
}

pub fn approval() -> VettingDecision {
    VettingDecision::Approve { checklist: vec!["the owner is known here".to_owned(), "costs are fair".to_owned()] }
}

/// Whether the ledger refused because that change does not apply.
pub fn does_not_apply<T>(answer: &std::result::Result<T, PostError>, name: &str) -> bool {
    matches!(answer, Err(PostError::Refused(Refusal::EffectNotApplicable { effect })) if *effect == name)
}
