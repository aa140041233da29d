// Show what deliberations that have ended spent of their token budgets.
// Columns: id, stopReason, spent
MATCH (d:Deliberation)
WHERE d.tokenBudget IS NOT NULL AND d.status IN ['DECIDED', 'FAILED', 'CANCELLED']
RETURN d.id AS id, d.stopReason AS stopReason, d.promptTokens + d.completionTokens + d.tokensReserved - d.tokensSettled AS spent
