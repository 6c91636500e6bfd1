package glue

// chosen returns the keys of the nodes a resume names.
func (r *workflowRun) chosen(ids []string) ([]nodeKey, error) {
	byID := map[string]nodeKey{}
	for key := range r.nodes {
		byID[nodeID(r.body.Name, key.kind, key.name)] = key
	}
	if len(ids) == 0 {
		return nil, invalid("NodeIds cannot be null or empty")
	}
	var keys []nodeKey
	for _, id := range ids {
		key, ok := byID[id]
		if !ok {
			return nil, invalid("Node %s is not a job or crawler of workflow run %s", id, r.body.WorkflowRunId)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// resume runs the chosen nodes of an old workflow run again, and what follows them. The other nodes keep the state
// they had, so that conditions on them still hold.
func (s *Server) resume(r, old *workflowRun, chosen []nodeKey) {
	r.body.PreviousRunId = old.body.WorkflowRunId
	again := old.downstream(chosen)
	r.triggers, r.nodes = nil, map[nodeKey]*runNode{}
	for key, n := range old.nodes {
		r.nodes[key] = &runNode{state: n.state}
		if again[key] {
			r.nodes[key].state = ""
		}
	}
	for _, t := range old.triggers {
		fired := t.fired
		for _, a := range t.trigger.Actions {
			fired = fired && !again[a.key()]
		}
		r.triggers = append(r.triggers, snapshot{t.trigger, fired})
	}
	s.after(s.config.Latency.WorkflowRunStart, func() {
		r.begun = true
		for _, key := range chosen {
			if t, a := r.starter(key); t != nil && r.body.Status == stateRunning {
				t.fired = true
				s.act(r, r.nodes[key], a, t)
			}
		}
		s.advance(r)
	})
}

// starter returns the trigger and the action that start a node.
func (r *workflowRun) starter(key nodeKey) (*snapshot, action) {
	for i := range r.triggers {
		for _, a := range r.triggers[i].trigger.Actions {
			if a.key() == key {
				return &r.triggers[i], a
			}
		}
	}
	return nil, action{}
}

// downstream returns the nodes and all that follow them in the graph.
func (r *workflowRun) downstream(keys []nodeKey) map[nodeKey]bool {
	reached := map[nodeKey]bool{}
	for len(keys) > 0 {
		key := keys[0]
		keys = keys[1:]
		if reached[key] {
			continue
		}
		reached[key] = true
		for _, t := range r.triggers {
			if t.trigger.follows(key) {
				for _, a := range t.trigger.Actions {
					keys = append(keys, a.key())
				}
			}
		}
	}
	return reached
}

// follows reports whether the trigger waits for the node.
func (t *triggerBody) follows(key nodeKey) bool {
	if t.Predicate == nil {
		return false
	}
	for _, c := range t.Predicate.Conditions {
		if k, _ := c.key(); k == key {
			return true
		}
	}
	return false
}
