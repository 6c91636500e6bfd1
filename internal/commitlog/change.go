package commitlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/s3"
)

// Actions of a state record.
const (
	setAction   = "set"
	resetAction = "reset"
)

// attempts is how often a change is tried when other writers take its number.
const attempts = 3

// stateRecord is what people write; its fields are docs/guarantees.md's.
type stateRecord struct {
	Version     int      `json:"version"`
	Kind        string   `json:"kind"`
	Seq         int      `json:"seq"`
	Base        int      `json:"base"`
	Action      string   `json:"action"`
	Watermark   *string  `json:"watermark"`
	Files       []string `json:"files"`
	Rows        int      `json:"rows"`
	Bytes       int      `json:"bytes"`
	CommittedAt string   `json:"committedAt"`
	By          string   `json:"by"`
}

// Author is who requests a change, and when.
type Author struct {
	Name string
	Now  time.Time
}

func (a Author) at() string { return a.Now.UTC().Format("2006-01-02T15:04:05+00:00") }

// CheckSet refuses a watermark that the table cannot have. It reports whether rows would be skipped.
func (s *Store) CheckSet(ctx context.Context, p Place, table, watermark string) (skips bool, err error) {
	state, err := s.State(ctx, p, table)
	if err != nil {
		return false, err
	}
	if b := state.Batch; b != nil && b.LoadType == catalog.Full {
		return false, fmt.Errorf("%s is loaded whole: it has no watermark, and every load begins at the start", table)
	}
	kind, err := s.cursorType(ctx, p, table, state)
	if err != nil {
		return false, err
	}
	if err := check(watermark, kind); err != nil {
		return false, err
	}
	if current := state.Watermark(); current != "" {
		earlier, ok := before(watermark, current)
		return !ok || (!earlier && watermark != current), nil
	}
	return true, nil // the next load would have begun at the start
}

// cursorType is the type of the last load window, empty when there was none.
func (s *Store) cursorType(ctx context.Context, p Place, table string, state State) (string, error) {
	for n := state.Records; n > 0; n-- {
		r, err := s.record(ctx, p, table, n)
		if err != nil {
			return "", err
		}
		if r.Window != nil {
			return r.Window.Type, nil
		}
	}
	return "", nil
}

// Set makes the next load window begin at the watermark. Done is false when it begins there already.
func (s *Store) Set(ctx context.Context, p Place, table, watermark string, by Author) (done bool, err error) {
	return s.change(ctx, p, table, stateRecord{Action: setAction, Watermark: &watermark, CommittedAt: by.at(), By: by.Name}, func(state State) bool {
		return state.Last != nil && state.Last.Action != resetAction && state.Last.Watermark != nil && *state.Last.Watermark == watermark
	})
}

// Reset makes the next load begin at the start; readers see the old batches
// until it is committed. Done is false when it begins there already.
func (s *Store) Reset(ctx context.Context, p Place, table string, by Author) (done bool, err error) {
	return s.change(ctx, p, table, stateRecord{Action: resetAction, CommittedAt: by.at(), By: by.Name}, func(state State) bool {
		return state.Last == nil || state.Last.Action == resetAction
	})
}

// change writes a state record under the next number, unless the state is as it says already.
func (s *Store) change(ctx context.Context, p Place, table string, r stateRecord, unchanged func(State) bool) (done bool, err error) {
	r.Version, r.Kind, r.Files = 1, StateKind, []string{}
	for range attempts {
		state, err := s.State(ctx, p, table)
		if err != nil || unchanged(state) {
			return false, err
		}
		r.Seq, r.Base = state.Records+1, state.Records+1
		if state.Last != nil {
			r.Base = state.Last.Base
		}
		body, err := json.Marshal(r)
		if err != nil {
			return false, err
		}
		mine, err := putNew(ctx, s.s3.Bucket(p.Bucket), p.commits(table)+objectName(r.Seq), body)
		if mine || err != nil {
			return mine, err
		}
	}
	return false, fmt.Errorf("%s is being landed again and again: try again when no job run of it is running", table)
}

// putNew puts an object where none is and reports whether the object there is the
// caller's. One with the same bytes is: an earlier attempt put it, whose answer was lost.
func putNew(ctx context.Context, bucket *s3.Bucket, key string, body []byte) (mine bool, err error) {
	if created, err := create(ctx, bucket, key, body); created || err != nil {
		return created, err
	}
	there, err := bucket.Get(ctx, key)
	if errors.Is(err, s3.ErrNotFound) {
		return false, nil // a conflict with a put that failed
	}
	return bytes.Equal(there, body), err
}

// create puts an object where none is, and reports whether it did.
func create(ctx context.Context, bucket *s3.Bucket, key string, body []byte) (created bool, err error) {
	err = bucket.PutIfMatch(ctx, key, body, "application/json", "")
	if errors.Is(err, s3.ErrBusy) {
		return false, nil
	}
	return err == nil, err
}

// Request is a backfill for the next job run.
type Request struct {
	Version     int    `json:"version"`
	Kind        string `json:"kind"`
	ID          string `json:"id"`
	After       int    `json:"after"`
	From        string `json:"from"`
	To          string `json:"to"`
	RequestedAt string `json:"requestedAt"`
	By          string `json:"by"`
}

// Backfill requests that the rows whose cursor is in [from, to) are read again.
// Created is false when the same was requested since the last commit.
func (s *Store) Backfill(ctx context.Context, p Place, table, from, to string, by Author) (r Request, created bool, err error) {
	state, err := s.State(ctx, p, table)
	if err != nil {
		return r, false, err
	}
	switch {
	case state.Batch == nil:
		return r, false, fmt.Errorf("%s has not landed yet: there is nothing to fill; start its workflow", table)
	case state.Batch.LoadType == catalog.Full:
		return r, false, fmt.Errorf("%s is loaded whole: its next load has every row; start its workflow", table)
	}
	kind, err := s.cursorType(ctx, p, table, state)
	if err != nil {
		return r, false, err
	}
	if err := errors.Join(check(from, kind), check(to, kind)); err != nil {
		return r, false, err
	}
	if earlier, ok := before(from, to); ok && !earlier {
		return r, false, fmt.Errorf("--from %s is not before --to %s", from, to)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "backfill\n%s\n%s\n%d", from, to, state.Records))
	r = Request{
		Version: 1, Kind: "backfill", ID: hex.EncodeToString(sum[:8]), After: state.Records, From: from, To: to, RequestedAt: by.at(), By: by.Name,
	}
	body, err := json.Marshal(r)
	if err != nil {
		return r, false, err
	}
	created, err = create(ctx, s.s3.Bucket(p.Bucket), p.requests(table)+r.ID+".json", body)
	return r, created, err
}

func (p Place) requests(table string) string { return p.prefix(table) + "_landfall/requests/" }

// Pending are the backfills that no job run has handled yet.
func (s *Store) Pending(ctx context.Context, p Place, table string) ([]Request, error) {
	bucket := s.s3.Bucket(p.Bucket)
	requests, err := bucket.List(ctx, p.requests(table))
	if err != nil {
		return nil, fmt.Errorf("list the backfill requests of %s: %w", table, err)
	}
	var pending []Request
	for _, o := range requests {
		var r Request
		err := bucket.GetJSON(ctx, o.Key, &r)
		if errors.Is(err, s3.ErrNotFound) {
			continue // a job run has handled it meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("read a backfill request of %s: %w", table, err)
		}
		pending = append(pending, r)
	}
	return pending, nil
}
