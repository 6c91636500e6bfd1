package planworkflows

import (
	"fmt"
	"strings"
	"testing"

	"github.com/landfall/landfall/internal/plan"
)

func TestShardsShareTheWork(t *testing.T) {
	cases := map[string]struct {
		reason      string
		concurrency int
		changes     int
		bytes       int // of each change's reason
		items       int
		children    int
		slots       int
		largest     int
	}{
		"one change":               {"one child", 100, 1, 0, 1, 1, 10, 1},
		"fewer than children":      {"all at once, a child each", 100, 7, 0, 7, 7, 10, 1},
		"all at once":              {"ten children of ten", 100, 100, 0, 10, 10, 10, 10},
		"several rounds of slots":  {"as many items as children: none waits for another's end", 100, 1000, 0, 10, 10, 10, 100},
		"several rounds of items":  {"an item has at most a hundred", 100, 10_000, 0, 100, 10, 10, 100},
		"rounds are even":          {"no last round of a few items", 100, 1001, 0, 20, 10, 10, 51},
		"one at a time":            {"one slot in all", 1, 30, 0, 1, 1, 1, 30},
		"less than a child's":      {"five slots in all", 5, 250, 0, 3, 1, 5, 84},
		"not a multiple":           {"two children of seven: no more than asked for", 15, 40, 0, 2, 2, 7, 20},
		"more than children allow": {"a thousand children at most", 50_000, 30_000, 0, 1000, 1000, 10, 30},
		"not set":                  {"one", 0, 3, 0, 1, 1, 1, 3},
		"large parameters":         {"a state holds 256 KiB", 10, 6, 60_000, 2, 1, 10, 3},
		"none":                     {"", 100, 0, 0, 0, 1, 10, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			changes := make([]plan.Change, c.changes)
			for i := range changes {
				changes[i] = plan.Change{Workflow: fmt.Sprint("w", i), Reason: strings.Repeat("x", c.bytes)}
			}
			items, children := (&Task{Concurrency: c.concurrency, CallsPerSecond: 50}).shard("e", changes)
			largest, n, calls := 0, 0, 0.0
			for i, item := range items {
				largest = max(largest, len(item.Queue))
				for _, change := range item.Queue {
					if change.Workflow != changes[n].Workflow {
						t.Fatalf("change %d is %s", n, change.Workflow)
					}
					n++
				}
				if i < children {
					calls += item.CallsPerSecond
				}
				if item.Slots != c.slots {
					t.Errorf("%d slots, want %d", item.Slots, c.slots)
				}
			}
			if n != c.changes || len(items) != c.items || children != c.children || largest != c.largest {
				t.Errorf("%d changes in %d items of at most %d for %d children, want %d in %d of %d for %d: %s",
					n, len(items), largest, children, c.changes, c.items, c.largest, c.children, c.reason)
			}
			if n > 0 && (calls < 49.9 || calls > 50.1) {
				t.Errorf("the children call Glue %g times a second together, want 50", calls)
			}
			if busy := min(len(items), children) * c.slots; busy > max(1, c.concurrency) && c.changes > children {
				t.Errorf("%d blueprint runs at once, want at most %d", busy, c.concurrency)
			}
		})
	}
}
