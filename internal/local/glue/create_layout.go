package glue

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/local/glue/generator"
)

func nameOf(body json.RawMessage) string {
	var named struct{ Name string }
	_ = json.Unmarshal(body, &named) // the Create call reports what is wrong with it
	return named.Name
}

// entity is something a blueprint run created.
type entity struct{ kind, name string }

// createLayout makes the Create calls of a layout: workflow, crawlers, jobs, triggers. It stops at the first that fails and
// returns what was created before.
func (s *Server) createLayout(r *blueprintRun, l *generator.Layout) (created []entity, err error) {
	create := func(kind string, bodies []json.RawMessage, amend func(any)) bool {
		for _, body := range bodies {
			if e := s.internal("Create"+kind, body, amend); e != nil {
				err = e
				return false
			}
			created = append(created, entity{kind, nameOf(body)})
		}
		return true
	}
	asIs := func(any) {}
	_ = create("Workflow", []json.RawMessage{l.Workflow}, func(in any) {
		in.(*createWorkflowInput).blueprint = &blueprintDetails{r.body.BlueprintName, r.body.RunId}
	}) && create("Crawler", l.Crawlers, asIs) && create("Job", l.Jobs, asIs) && create("Trigger", l.Triggers, func(in any) {
		t := in.(*createTriggerInput)
		if t.Tags == nil {
			t.Tags = map[string]string{}
		}
		t.Tags["BlueprintName"] = r.body.BlueprintName
	})
	return created, err
}

// rollBack deletes what a failed blueprint run created, last first, waits until it is gone, and returns what could
// not be deleted.
func (s *Server) rollBack(created []entity) string {
	var left []string
	for _, e := range slices.Backward(created) {
		member := "Name"
		if e.kind == "Job" {
			member = "JobName"
		}
		s.mu.Lock()
		t := s.triggers[e.name]
		s.mu.Unlock()
		err := s.internal("Delete"+e.kind, marshal(map[string]string{member: e.name}), func(any) {})
		switch {
		case err != nil:
			left = append(left, e.kind+" "+e.name+": "+err.Message)
		case e.kind == "Trigger" && t != nil:
			select {
			case <-t.gone:
			case <-s.ctx.Done():
			}
		}
	}
	return strings.Join(left, "; ")
}
