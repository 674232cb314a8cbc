-- Before somebody else is named to be paid, it is counted how many of that person's wait for a review.

create index screening_subjects_by_owner on onboarding.screening_subjects (owner_id);
