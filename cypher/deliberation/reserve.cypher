// Reserve: write how many tokens were ever reserved for calls of deliberations, each before a call that may use them is sent.
// $reservations: [deliberation, epoch, reserved], in order of deliberation: the claim, and the sum of all reservations up to this one
// Columns: deliberation, epoch, reserved of each row whose claim holds; no row where it does not.
// The SET of `lock` takes the write locks, in order of deliberation; whatever is compared is read after it.
UNWIND $reservations AS row
MATCH (d:Deliberation {id: row[0]})
SET d.lock = true
WITH d, row
WHERE d.epoch = row[1] AND d.status = 'RUNNING'
// Of several on their way at once the smaller may come last. It only grows, so that sending one again does no harm.
SET d.tokensReserved = CASE WHEN row[2] > d.tokensReserved THEN row[2] ELSE d.tokensReserved END
RETURN d.id AS deliberation, row[1] AS epoch, row[2] AS reserved
