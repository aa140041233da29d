// Index what turns say, so that a long text is refused.
CREATE RANGE INDEX contents_of_turns FOR (t:Turn) ON (t.content)
