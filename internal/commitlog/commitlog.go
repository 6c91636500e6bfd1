// Package commitlog reads what has landed of a table from its commit records, and
// writes the records and requests by which people change its state. The format is docs/guarantees.md's.
package commitlog

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/landfall/landfall/internal/s3"
)

// Kinds of commit records.
const (
	BatchKind = "batch"
	StateKind = "state"
)

// Record is the part of a commit record that people are shown.
type Record struct {
	Version int    `json:"version"`
	Kind    string `json:"kind,omitempty"`
	Seq     int    `json:"seq"`
	// Base is the number of the first record of what readers see.
	Base     int    `json:"base"`
	Batch    string `json:"batch,omitempty"`
	LoadType string `json:"loadType,omitempty"`
	// Window is nil for a full load.
	Window *Window `json:"window,omitempty"`
	// Watermark is where the next load window begins, nil where it begins at the start.
	Watermark   *string   `json:"watermark"`
	Rows        int64     `json:"rows"`
	Bytes       int64     `json:"bytes"`
	Deleted     int64     `json:"deleted,omitempty"`
	CommittedAt time.Time `json:"committedAt"`
	JobRunID    string    `json:"jobRunId,omitempty"`
	// Action and By are those of a state record.
	Action string `json:"action,omitempty"`
	By     string `json:"by,omitempty"`
}

// Window is the rows of a batch: those whose cursor is in [Low, High). Low is nil in the first one.
type Window struct {
	Columns []string `json:"columns,omitempty"`
	// Column is what records had before a cursor could be of several columns.
	Column string  `json:"column,omitempty"`
	Type   string  `json:"type"`
	Low    *string `json:"low"`
	High   string  `json:"high"`
}

// Names are the columns of the cursor.
func (w Window) Names() []string {
	if len(w.Columns) == 0 {
		return []string{w.Column}
	}
	return w.Columns
}

// State is the state of a table by its commit records.
type State struct {
	// Records is how many there are; 0 means that nothing has landed.
	Records int
	// Last is the last record, Batch the last of a batch.
	Last, Batch *Record
}

// Watermark is where the next load window begins; empty when it begins at the start, or there is none.
func (s State) Watermark() string {
	if s.Last == nil {
		return ""
	}
	return aws.ToString(s.Last.Watermark)
}

// Place is one database's part of a bucket.
type Place struct {
	Bucket, Database string
	// seen are the numbers up to which tables are in the Glue Data Catalog, by table:
	// records before it need not be listed.
	seen map[string]int
}

func (p Place) prefix(table string) string  { return p.Database + "/" + table + "/" }
func (p Place) commits(table string) string { return p.prefix(table) + "_landfall/commits/" }

// Store reads and writes the raw layer.
type Store struct {
	s3   *s3.Client
	glue *glue.Client
}

// New makes a store.
func New(objects *s3.Client, dataCatalog *glue.Client) *Store {
	return &Store{s3: objects, glue: dataCatalog}
}

// State reads the state of a table in a place.
func (s *Store) State(ctx context.Context, p Place, table string) (State, error) {
	last, err := s.lastNumber(ctx, p, table)
	if last == 0 || err != nil {
		return State{}, err
	}
	record, err := s.record(ctx, p, table, last)
	if err != nil {
		return State{}, err
	}
	state := State{Records: last, Last: record}
	// Records are never removed, and there are few state records between two batches.
	for n := last; n > 0 && state.Batch == nil; n-- {
		if n < last {
			if record, err = s.record(ctx, p, table, n); err != nil {
				return State{}, err
			}
		}
		if record.Kind != StateKind {
			state.Batch = record
		}
	}
	return state, nil
}

func (s *Store) lastNumber(ctx context.Context, p Place, table string) (int, error) {
	numbers, err := s.numbers(ctx, p, table, p.seen[table]-1)
	if len(numbers) == 0 || err != nil {
		return 0, err
	}
	return slices.Max(numbers), nil
}

// Since returns the records of a table whose numbers are above seq, in order.
func (s *Store) Since(ctx context.Context, p Place, table string, seq int) ([]Record, error) {
	numbers, err := s.numbers(ctx, p, table, seq)
	if err != nil {
		return nil, err
	}
	records := make([]Record, len(numbers))
	for i, n := range numbers {
		r, err := s.record(ctx, p, table, n)
		if err != nil {
			return nil, err
		}
		records[i] = *r
	}
	return records, nil
}

// numbers returns the numbers of the records above seq, in order.
func (s *Store) numbers(ctx context.Context, p Place, table string, seq int) ([]int, error) {
	prefix, after := p.commits(table), ""
	if seq > 0 {
		after = prefix + objectName(seq)
	}
	records, err := s.s3.Bucket(p.Bucket).ListAfter(ctx, prefix, after)
	if err != nil {
		return nil, fmt.Errorf("list the commit records of %s: %w", table, err)
	}
	var numbers []int
	for _, o := range records {
		if n, err := strconv.Atoi(strings.TrimSuffix(path.Base(o.Key), ".json")); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// objectName is the name of a commit record's object.
func objectName(seq int) string { return fmt.Sprintf("%08d.json", seq) }

func (s *Store) record(ctx context.Context, p Place, table string, seq int) (*Record, error) {
	bucket, key := s.s3.Bucket(p.Bucket), p.commits(table)+objectName(seq)
	var r Record
	if err := bucket.GetJSON(ctx, key, &r); err != nil {
		return nil, fmt.Errorf("read commit record %d of %s: %w", seq, table, err)
	}
	if r.Version != 1 {
		return nil, fmt.Errorf("read %s: the record has version %d; this landfall reads version 1", bucket.URI(key), r.Version)
	}
	return &r, nil
}
