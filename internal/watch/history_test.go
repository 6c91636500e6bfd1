package watch_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/watch"
)

// history is a Glue in which all workflows have the same last workflow run and
// the same older ones. It counts the questions, and how many are open at once.
type history struct {
	last watch.WorkflowRun
	past []watch.WorkflowRun

	// No question is answered before release is closed, which happens when releaseAfter are open.
	release      chan struct{}
	releaseAfter int

	mu                sync.Mutex
	asked, open, most int
}

func (h *history) LastRuns(_ context.Context, names []string) (map[string]watch.LastRun, error) {
	found := map[string]watch.LastRun{}
	for _, name := range names {
		found[name] = watch.LastRun{Owner: plan.Owner(bucket, "hr"), CreatedAt: at("2026-01-01T00:00:00Z"), Run: &h.last}
	}
	return found, nil
}

func (h *history) Runs(context.Context, string) ([]watch.WorkflowRun, error) {
	h.mu.Lock()
	h.asked, h.open = h.asked+1, h.open+1
	h.most = max(h.most, h.open)
	if h.open == h.releaseAfter {
		close(h.release)
		h.releaseAfter = 0
	}
	h.mu.Unlock()
	if h.release != nil {
		<-h.release
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open--
	return append([]watch.WorkflowRun{h.last}, h.past...), nil
}

func (h *history) JobTags(context.Context, string) (map[string]string, error) { return nil, nil }

// uploaded is a bucket with one catalog.
type uploaded struct{ body string }

func (u uploaded) List(context.Context, string) ([]reconcile.Object, error) {
	return []reconcile.Object{{Key: "catalogs/hr.json", Size: int64(len(u.body))}}, nil
}

func (u uploaded) Get(context.Context, string) ([]byte, error) { return []byte(u.body), nil }

// daily is a catalog of n tables that are due at 21:10.
func daily(n int) uploaded {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"SourceTable": "hr.t%04d"}`, i)
	}
	return uploaded{`{"Defaults": {"SecretName": "s", "JobScheduleType": "Cron", "ScheduleCronPattern": "10 21 * * ? *"}, "WorkflowList": [` + strings.Join(entries, ",") + `]}`}
}

// In the middle of a nightly load every table is running. What a thousand tables cost must not exceed the function's time.
func TestAskingAboutAThousandTables(t *testing.T) {
	const tables = 1000
	good := []watch.WorkflowRun{{StartedAt: at("2026-05-31T21:10:00Z"), Succeeded: true}}
	for name, c := range map[string]struct {
		reason       string
		last         watch.WorkflowRun
		past         []watch.WorkflowRun
		asked, stale int
	}{
		"running for twenty minutes": {"it may land yet what is due, so nothing is asked", watch.WorkflowRun{StartedAt: at("2026-06-01T21:10:00Z"), Running: true}, good, 0, 0},
		"running for seven hours":    {"only the history shows what has landed", watch.WorkflowRun{StartedAt: at("2026-06-01T14:29:00Z"), Running: true}, good, tables, 0},
		"running for a day":          {"it has not landed what was due since", watch.WorkflowRun{StartedAt: at("2026-05-31T21:10:00Z"), Running: true}, nil, tables, tables},
		"failed twenty minutes ago":  {"the history shows that the night before was missed, too", watch.WorkflowRun{StartedAt: at("2026-06-01T21:10:00Z")}, nil, tables, tables},
		"failed for the first time":  {"what was due before has landed, and what is due now is not late yet", watch.WorkflowRun{StartedAt: at("2026-06-01T21:10:00Z")}, good, tables, 0},
		"succeeded":                  {"the last workflow run says it all", watch.WorkflowRun{StartedAt: at("2026-06-01T21:10:00Z"), Succeeded: true}, nil, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := &history{last: c.last, past: c.past}
			w := &watch.Watcher{
				Objects: daily(tables), History: h, Metrics: &measured{}, Log: slog.New(slog.DiscardHandler),
				Now: func() time.Time { return at("2026-06-01T21:30:00Z") },
			}
			got, err := w.WatchTables(t.Context(), watch.Settings{Bucket: bucket, StaleAfter: 6 * time.Hour}, watch.Input{})
			if err != nil || got.Scheduled != tables || len(got.Stale) != c.stale || h.asked != c.asked {
				t.Errorf("%d scheduled, %d stale after %d questions, %v; want %d stale after %d: %s", got.Scheduled, len(got.Stale), h.asked, err, c.stale, c.asked, c.reason)
			}
			for i, table := range got.Stale {
				if table != fmt.Sprintf("hr.t%04d", i) {
					t.Fatalf("stale table %d is %s: the order is not the catalog's", i, table)
				}
			}
		})
	}
}

// The questions overlap, so that slow answers add up to little; few are open at once, because Glue throttles reads.
func TestHistoriesAreReadInParallelAndBounded(t *testing.T) {
	h := &history{last: watch.WorkflowRun{StartedAt: at("2026-05-01T00:00:00Z")}, release: make(chan struct{}), releaseAfter: 4}
	w := &watch.Watcher{
		Objects: daily(100), History: h, Metrics: &measured{}, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return at("2026-06-01T21:30:00Z") },
	}
	// Nothing is answered until four questions are open: one after the other would wait for ever.
	if _, err := w.WatchTables(t.Context(), watch.Settings{Bucket: bucket, StaleAfter: 6 * time.Hour}, watch.Input{}); err != nil {
		t.Fatal(err)
	}
	if h.most > 16 {
		t.Errorf("%d questions were open at once", h.most)
	}
}
