"""The tables of one platform's SQLite file."""

from __future__ import annotations

from typing import Final

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    account TEXT NOT NULL,
    created INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS object_by_type ON object (account, type, seq);
CREATE INDEX IF NOT EXISTS object_by_created ON object (account, type, created, seq);
CREATE TABLE IF NOT EXISTS object_field (
    account TEXT NOT NULL,
    type TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    seq INTEGER NOT NULL REFERENCES object (seq) ON DELETE CASCADE,
    PRIMARY KEY (account, type, field, value, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS object_field_by_seq ON object_field (seq);
CREATE TABLE IF NOT EXISTS movement (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    net INTEGER NOT NULL,
    available_on INTEGER NOT NULL,
    is_available INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS movement_pending
    ON movement (account, currency, available_on) WHERE NOT is_available;
CREATE TABLE IF NOT EXISTS balance (
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    available INTEGER NOT NULL DEFAULT 0,
    pending INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, currency)
);
CREATE TABLE IF NOT EXISTS due (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    account TEXT NOT NULL,
    UNIQUE (kind, subject, account, at)
);
CREATE INDEX IF NOT EXISTS due_by_instant ON due (at, seq);
CREATE TABLE IF NOT EXISTS saved_answer (
    key TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS saved_answer_by_created ON saved_answer (created);
CREATE TABLE IF NOT EXISTS request_log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    params TEXT NOT NULL,
    idempotency_key TEXT,
    account TEXT,
    status INTEGER NOT NULL,
    replayed INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS delivery (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint TEXT NOT NULL,
    event TEXT NOT NULL,
    payload TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    last_status INTEGER
);
CREATE INDEX IF NOT EXISTS delivery_waiting ON delivery (next_at, seq) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS fault (number INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
