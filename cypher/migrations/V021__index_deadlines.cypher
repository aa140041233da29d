// What is due is claimed whether or not there is room. Like those over all that waits and all that is held, neither index has what has ended.
CREATE INDEX deliberation_waiting_due IF NOT EXISTS FOR (n:Deliberation) ON (n.waiting, n.deadline);
CREATE INDEX deliberation_held_due IF NOT EXISTS FOR (n:Deliberation) ON (n.holder, n.deadline);
