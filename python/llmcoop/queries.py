"""The longer queries of the store."""

EVALUATIONS = """
    SELECT * FROM candidates
    JOIN evaluations ON evaluations.candidate = candidates.id
    LEFT JOIN test_cases ON test_cases.id = failed_case
    LEFT JOIN measurements ON measurements.candidate = candidates.id
    WHERE candidates.run = ? ORDER BY candidates.id
"""

USAGE = """
    SELECT agent, SUM(calls) AS calls, SUM(prompt_tokens) AS prompt_tokens,
        SUM(completion_tokens) AS completion_tokens, SUM(usd) AS usd
    FROM model_calls WHERE run = ? GROUP BY agent ORDER BY agent
"""

STEPS = "SELECT * FROM steps WHERE run = ? AND ended = ? ORDER BY number"

TURN = """
    SELECT reply FROM model_calls
    WHERE run = ? AND model = ? AND agent = ? AND conversation = ? AND sample = ? AND number = ?
    ORDER BY id DESC LIMIT 1
"""

ATTEMPTED = """
    SELECT IFNULL(SUM(calls), 0) AS calls, IFNULL(SUM(prompt_tokens), 0) AS prompt_tokens,
        IFNULL(SUM(completion_tokens), 0) AS completion_tokens, TOTAL(usd) AS usd
    FROM attempts WHERE run = ?
"""

SETTLE = "UPDATE attempts SET calls = ?, prompt_tokens = ?, completion_tokens = ?, usd = ? WHERE id = ?"
