package glue

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
)

const (
	nodeJob     = "JOB"
	nodeCrawler = "CRAWLER"
	nodeTrigger = "TRIGGER"
)

type graphBody struct {
	Nodes []nodeBody
	Edges []edgeBody
}

type nodeBody struct {
	Type           string
	Name           string
	UniqueId       string
	TriggerDetails *triggerDetails `json:",omitempty"`
	JobDetails     *jobDetails     `json:",omitempty"`
	CrawlerDetails *crawlerDetails `json:",omitempty"`
}

type (
	triggerDetails struct{ Trigger triggerBody }
	jobDetails     struct{ JobRuns []jobRunBody }
	crawlerDetails struct{ Crawls []crawlBody }
	edgeBody       struct{ SourceId, DestinationId string }
)

// nodeID is the same for every run of a workflow.
func nodeID(workflow, kind, name string) string {
	return fmt.Sprintf("wnode_%x", sha256.Sum256(marshal([]string{workflow, kind, name})))
}

// definitionGraph is the graph of a workflow as its triggers are now.
func (s *Server) definitionGraph(workflow string) *graphBody {
	r := &workflowRun{nodes: map[nodeKey]*runNode{}, body: workflowRunBody{Name: workflow}}
	for _, name := range names(s.children[workflow]) {
		t := s.triggers[name].body()
		r.triggers = append(r.triggers, snapshot{trigger: *t})
		for _, a := range t.Actions {
			r.nodes[a.key()] = &runNode{}
		}
	}
	return r.graph()
}

// graph is the graph of a workflow run: triggers, what they start, and what they wait for.
func (r *workflowRun) graph() *graphBody {
	g := &graphBody{Nodes: []nodeBody{}, Edges: []edgeBody{}}
	id := func(key nodeKey) string { return nodeID(r.body.Name, key.kind, key.name) }
	for _, t := range r.triggers {
		key := nodeKey{nodeTrigger, t.trigger.Name}
		g.Nodes = append(g.Nodes, nodeBody{
			Type: key.kind, Name: key.name, UniqueId: id(key), TriggerDetails: &triggerDetails{t.trigger},
		})
		if t.trigger.Predicate != nil {
			for _, c := range t.trigger.Predicate.Conditions {
				from, _ := c.key()
				g.Edges = append(g.Edges, edgeBody{id(from), id(key)})
			}
		}
		for _, a := range t.trigger.Actions {
			g.Edges = append(g.Edges, edgeBody{id(key), id(a.key())})
		}
	}
	keys := slices.SortedFunc(maps.Keys(r.nodes), func(a, b nodeKey) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	})
	for _, key := range keys {
		g.Nodes = append(g.Nodes, r.nodes[key].body(key, id(key)))
	}
	return g
}

func (n *runNode) body(key nodeKey, id string) nodeBody {
	b := nodeBody{Type: key.kind, Name: key.name, UniqueId: id}
	if key.kind == nodeCrawler {
		b.CrawlerDetails = &crawlerDetails{Crawls: []crawlBody{}}
		for _, c := range n.crawls {
			b.CrawlerDetails.Crawls = append(b.CrawlerDetails.Crawls, c.body)
		}
		for _, r := range n.refused {
			b.CrawlerDetails.Crawls = append(b.CrawlerDetails.Crawls, crawlBody{
				State: r.JobRunState, StartedOn: r.StartedOn, CompletedOn: r.CompletedOn, ErrorMessage: r.ErrorMessage,
			})
		}
		return b
	}
	b.JobDetails = &jobDetails{JobRuns: []jobRunBody{}}
	for _, r := range n.jobRuns {
		b.JobDetails.JobRuns = append(b.JobDetails.JobRuns, r.body)
	}
	b.JobDetails.JobRuns = append(b.JobDetails.JobRuns, n.refused...)
	return b
}

// statistics counts the nodes of a workflow run by the state they are in.
func (r *workflowRun) statistics() statistics {
	st := statistics{TotalActions: len(r.nodes)}
	for _, n := range r.nodes {
		switch state := n.current(); state {
		case stateSucceeded:
			st.SucceededActions++
		case stateFailed:
			st.FailedActions++
		case stateTimeout:
			st.TimeoutActions++
		case stateStopped, crawlCancelled:
			st.StoppedActions++
		case stateError:
			st.ErroredActions++
		case stateWaiting:
			st.WaitingActions++
		case "":
		default:
			st.RunningActions++
		}
	}
	return st
}

// current is the state of a node's last attempt; empty when there was none.
func (n *runNode) current() string {
	switch {
	case !n.active:
		return n.state
	case len(n.jobRuns) > 0:
		return n.jobRuns[len(n.jobRuns)-1].body.JobRunState
	}
	return stateRunning
}
