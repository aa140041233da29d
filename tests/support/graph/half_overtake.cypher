// Leave a deliberation as it can be seen while another process takes it over: with that one's epoch, and still under the holder of before.
// $deliberation; $process: who takes over
MATCH (d:Deliberation {id: $deliberation}), (p:Process {id: $process})
SET d.epoch = d.epoch + 1, d.sequence = d.sequence + 1
CREATE (d)-[:CLAIMED]->(:Claim {
  id: 'clm_' + substring(d.id, 4) + '-' + d.epoch, sequence: d.sequence, epoch: d.epoch, at: datetime.realtime('Z'), resumed: true
})-[:BY]->(p)
