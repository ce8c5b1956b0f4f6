-- Times are seconds since 1970, UTC. Of every token only the SHA-256 is kept.
CREATE TABLE member (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL DEFAULT '',
    role TEXT NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'member')),
    state TEXT NOT NULL DEFAULT 'active'
        CHECK (state IN ('waiting', 'active', 'suspended', 'removed')),
    note TEXT NOT NULL DEFAULT '',
    door_salt TEXT NOT NULL,
    joined_at INTEGER NOT NULL
) STRICT;

CREATE TABLE session (
    digest TEXT PRIMARY KEY,
    member_id INTEGER NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_member ON session (member_id);

CREATE TABLE welcome (
    digest TEXT PRIMARY KEY,
    member_id INTEGER NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX welcome_member ON welcome (member_id);

CREATE TABLE invitation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest TEXT NOT NULL UNIQUE,
    salt TEXT NOT NULL DEFAULT '',
    label TEXT NOT NULL DEFAULT '',
    uses_left INTEGER,
    joined INTEGER NOT NULL DEFAULT 0,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE post (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    author_id INTEGER NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    audience TEXT NOT NULL CHECK (audience IN ('me', 'community', 'everyone')),
    made_at INTEGER NOT NULL
) STRICT;
CREATE INDEX post_author ON post (author_id);

CREATE TABLE photo (
    id TEXT PRIMARY KEY,
    author_id INTEGER NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    post_id INTEGER REFERENCES post (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    words TEXT NOT NULL DEFAULT '',
    made_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX photo_post ON photo (post_id, position);
CREATE INDEX photo_author ON photo (author_id);

CREATE TABLE comment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    post_id INTEGER NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    author_id INTEGER NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;
CREATE INDEX comment_post ON comment (post_id);
CREATE INDEX comment_author ON comment (author_id);
