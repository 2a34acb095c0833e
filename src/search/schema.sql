-- SPDX-License-Identifier: Apache-2.0
-- A study of Lamina: one SQLite file in WAL mode, application_id 0x4C616D6E ("Lamn"). This is
-- schema 1 (user_version); later ones are steps from here (src/search/meson.build lists them).
--
-- Times are seconds since 1970. A number that is none (NaN) is NULL. Seeds of 64 bits stand as
-- SQLite's signed integers of the same bits.
PRAGMA application_id = 1281453422;

-- What the study is; one row.
CREATE TABLE study (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    uid TEXT NOT NULL,            -- 128 random bits in hexadecimal, the same in all copies
    lamina TEXT NOT NULL,         -- the version that made it
    created REAL NOT NULL,
    recipe TEXT NOT NULL,         -- JSON; trials vary it by their configurations' values
    sampler TEXT NOT NULL,
    sampler_seed INTEGER NOT NULL,
    configuration_count INTEGER NOT NULL CHECK (configuration_count > 0), -- to be made in all
    seed_count INTEGER NOT NULL CHECK (seed_count > 0), -- trials of each configuration
    objective TEXT NOT NULL,
    pruning TEXT NOT NULL,
    pruning_factor REAL NOT NULL,
    pruning_min_trials INTEGER NOT NULL,
    pruning_min_measurements INTEGER NOT NULL,
    patience INTEGER NOT NULL,
    -- Workers of this file take configurations with id % shard_count = shard_index alone.
    shard_index INTEGER NOT NULL DEFAULT 0,
    shard_count INTEGER NOT NULL DEFAULT 1,
    CHECK (shard_index >= 0 AND shard_index < shard_count)
) STRICT;

-- The search space: what varies, in order.
CREATE TABLE parameter (
    position INTEGER PRIMARY KEY, -- from 0
    definition TEXT NOT NULL UNIQUE -- as on the command line: "l2=log:1e-5..1e-1"
) STRICT;

-- Trials of one group can be trained side by side.
CREATE TABLE trial_group (
    id INTEGER PRIMARY KEY,
    recipe TEXT NOT NULL UNIQUE -- JSON: what their recipes have in common; null: values that are no recipe
) STRICT;

-- Points of the space.
CREATE TABLE configuration (
    id INTEGER PRIMARY KEY CHECK (id >= 0), -- its index in the sampler's order
    trial_group INTEGER NOT NULL REFERENCES trial_group (id),
    -- JSON array of texts, one for each parameter: its value as YAML, "" where the parameter's
    -- condition does not hold.
    parameter_values TEXT NOT NULL,
    -- How many earlier ones have the same values: none, but where CMA-ES comes back to some.
    repetition INTEGER NOT NULL,
    unit TEXT NOT NULL, -- JSON array: the same as coordinates in [0, 1)
    UNIQUE (parameter_values, repetition)
) STRICT;

CREATE TABLE device (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE -- with driver and version
) STRICT;

-- Trials that are, or were, trained side by side.
CREATE TABLE wave (
    id INTEGER PRIMARY KEY,
    trial_group INTEGER NOT NULL REFERENCES trial_group (id),
    seed_index INTEGER NOT NULL,
    -- The fencing token: it grows when a worker takes the wave, and what comes from an earlier
    -- one is turned down.
    attempt INTEGER NOT NULL DEFAULT 0,
    worker TEXT NOT NULL DEFAULT '',
    host TEXT NOT NULL DEFAULT '',
    boot_id TEXT NOT NULL DEFAULT '',
    pid INTEGER NOT NULL DEFAULT 0,
    process_start INTEGER NOT NULL DEFAULT 0,
    pid_namespace INTEGER NOT NULL DEFAULT 0,
    device INTEGER REFERENCES device (id),
    lease_until REAL NOT NULL DEFAULT 0, -- afterwards another worker may take over
    started REAL NOT NULL DEFAULT 0,     -- when this worker began
    pruned_step INTEGER NOT NULL DEFAULT -1, -- the rule has been applied up to this step
    ended REAL                   -- NULL while trials of it are not over
) STRICT;
CREATE INDEX wave_open ON wave (id) WHERE ended IS NULL;

-- One configuration trained with one seed: the recipe's plus seed_index.
CREATE TABLE trial (
    id INTEGER PRIMARY KEY,
    configuration INTEGER NOT NULL REFERENCES configuration (id),
    seed_index INTEGER NOT NULL CHECK (seed_index >= 0),
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (
        state IN ('waiting', 'running', 'done', 'pruned', 'diverged', 'failed')),
    -- The one that it belongs to, or was last in. A waiting trial that has one waits with it.
    wave INTEGER REFERENCES wave (id),
    step INTEGER,                -- at which it was over
    objective REAL,              -- of trials that are done
    seconds REAL,                -- its share of its wave's training time
    message TEXT NOT NULL DEFAULT '',
    device INTEGER REFERENCES device (id), -- that finished it
    finished REAL,
    UNIQUE (configuration, seed_index),
    CHECK ((state = 'done') = (objective IS NOT NULL)),
    CHECK ((state IN ('waiting', 'running')) = (finished IS NULL))
) STRICT;
CREATE INDEX trial_waiting ON trial (configuration, seed_index)
    WHERE state = 'waiting' AND wave IS NULL;
-- Partial, so that it is not taken for those without a wave.
CREATE INDEX trial_of_wave ON trial (wave) WHERE wave IS NOT NULL;
CREATE INDEX trial_finished ON trial (finished) WHERE finished IS NOT NULL;

-- Measurements.
CREATE TABLE metric (
    trial INTEGER NOT NULL REFERENCES trial (id),
    step INTEGER NOT NULL,
    epoch REAL,
    learning_rate REAL,
    train_loss REAL,
    train_cost REAL,
    train_accuracy REAL,
    validation_loss REAL,
    validation_cost REAL,
    validation_accuracy REAL,
    PRIMARY KEY (trial, step)
) STRICT, WITHOUT ROWID;

-- Files that belong to waves in training. A stale one is to be removed, and then its row.
-- No id comes twice: whoever removes a file must not forget a newer one.
CREATE TABLE artifact (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    wave INTEGER NOT NULL REFERENCES wave (id),
    kind TEXT NOT NULL CHECK (kind IN ('checkpoint')),
    step INTEGER NOT NULL,
    path TEXT NOT NULL UNIQUE,
    is_stale INTEGER NOT NULL DEFAULT 0 CHECK (is_stale IN (0, 1))
) STRICT;

-- How fast populations of so many members train on a device, as measured there.
CREATE TABLE population (
    device INTEGER NOT NULL REFERENCES device (id),
    trial_group INTEGER NOT NULL REFERENCES trial_group (id),
    members INTEGER NOT NULL CHECK (members > 0),
    models_per_second REAL,      -- NULL: not measured
    is_chosen INTEGER NOT NULL DEFAULT 0 CHECK (is_chosen IN (0, 1)),
    PRIMARY KEY (device, trial_group, members)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX population_chosen ON population (device, trial_group) WHERE is_chosen = 1;
