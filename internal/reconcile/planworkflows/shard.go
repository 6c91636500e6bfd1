package planworkflows

import (
	"encoding/json"
	"fmt"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile/applychange"
)

// Limits of an item of the Map. Its child works on at most maxSlots tables at
// once, so that one call reads several workflows, and on at most maxItemChanges in
// all, so that its history stays far below Step Functions' 25,000 events. Its
// bytes fit a state's 256 KiB, with room for the progress.
const (
	maxSlots       = 10
	maxItemChanges = 100
	maxItemBytes   = 200 << 10
	// maxChildren is Step Functions' limit of children at the same time, with room to spare.
	maxChildren = 1000
)

// shard divides the changes into items of about the same size, as few as
// possible, so that the children work on full rounds of items. Each item has its
// share of the calls. children is how many items are worked on at the same time.
func (t *Task) shard(execution string, changes []plan.Change) (items []applychange.Input, children int) {
	concurrency := max(1, t.Concurrency)
	children = min(maxChildren, max(1, len(changes)), (concurrency+maxSlots-1)/maxSlots)
	slots := min(maxSlots, concurrency/children)
	rounds := max(1, (len(changes)+children*maxItemChanges-1)/(children*maxItemChanges))
	size := (len(changes) + children*rounds - 1) / (children * rounds)
	items = []applychange.Input{}
	bytes := 0
	for _, c := range changes {
		data, err := json.Marshal(c)
		if err != nil {
			panic(fmt.Sprintf("marshal a change: %v", err)) // it was made of JSON
		}
		last := len(items) - 1
		if last < 0 || len(items[last].Queue) >= size || bytes+len(data) > maxItemBytes {
			items, bytes = append(items, applychange.Input{Execution: execution, Queue: []plan.Change{}, Items: []applychange.Item{}, Slots: slots}), 0
			last++
		}
		items[last].Queue = append(items[last].Queue, c)
		bytes += len(data)
	}
	for i := range items {
		items[i].CallsPerSecond = t.CallsPerSecond / float64(min(children, len(items)))
	}
	return items, children
}
