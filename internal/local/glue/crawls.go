package glue

import (
	"encoding/json"
	"time"
)

const (
	crawlerReady    = "READY"
	crawlerRunning  = "RUNNING"
	crawlerStopping = "STOPPING"
	crawlCancelled  = "CANCELLED"
)

type updateCrawlerInput struct {
	Name string `check:"required len=1:255 match=name"`
	crawlerFields
	Schedule *string
}

// updateCrawler changes the members that are given.
func (s *Server) updateCrawler(in *updateCrawlerInput) (struct{}, error) {
	c, err := s.idleCrawler(in.Name)
	if err != nil {
		return struct{}{}, err
	}
	if err := checkCrawler(in.Targets, in.Schedule, false); err != nil {
		return struct{}{}, err
	}
	if err := json.Unmarshal(marshal(in.crawlerFields), &c.fields); err != nil {
		return struct{}{}, err
	}
	if in.Schedule != nil {
		c.schedule = in.Schedule
		if *in.Schedule == "" {
			c.schedule = nil
		}
	}
	c.version, c.modified = c.version+1, s.now()
	return struct{}{}, nil
}

func (s *Server) deleteCrawler(in *nameInput) (struct{}, error) {
	_, err := s.idleCrawler(in.Name)
	if err == nil {
		delete(s.crawlers, in.Name)
		s.dropTags("crawler", in.Name)
	}
	return struct{}{}, err
}

func (s *Server) startCrawler(in *nameInput) (struct{}, error) {
	c, err := s.idleCrawler(in.Name)
	if err == nil {
		s.crawl(c, nil, nil)
	}
	return struct{}{}, err
}

// idleCrawler returns a crawler that is READY.
func (s *Server) idleCrawler(name string) (*crawler, error) {
	c := s.crawlers[name]
	if c == nil {
		return nil, notFound("Crawler", name)
	}
	if c.state != crawlerReady {
		return nil, errorf(codeCrawlerRunning, "Crawler with name %s has already started", name)
	}
	return c, nil
}

func (s *Server) stopCrawler(in *nameInput) (struct{}, error) {
	c := s.crawlers[in.Name]
	switch {
	case c == nil:
		return struct{}{}, notFound("Crawler", in.Name)
	case c.state == crawlerReady:
		return struct{}{}, errorf(codeCrawlerNotRunning, "Crawler with name %s is not running", in.Name)
	case c.state == crawlerStopping:
		return struct{}{}, errorf(codeCrawlerStopping, "Crawler with name %s is stopping", in.Name)
	}
	s.stopCrawl(c)
	return struct{}{}, nil
}

func (s *Server) stopCrawl(c *crawler) {
	c.state, c.crawl.body.State = crawlerStopping, "CANCELLING"
}

// crawl runs a crawler, which always succeeds unless it is stopped. The state is locked.
func (s *Server) crawl(c *crawler, w *workflowRun, node *runNode) *crawl {
	run := &crawl{workflow: w, node: node, body: crawlBody{
		State: "RUNNING", StartedOn: s.now(), LogGroup: "/aws-glue/crawlers", LogStream: c.name,
	}}
	c.state, c.crawl, c.started = crawlerRunning, run, time.Now()
	s.after(s.config.Latency.Crawl, func() {
		run.body.CompletedOn = s.now()
		last := stateSucceeded
		if c.state == crawlerStopping {
			last = crawlCancelled
		}
		run.body.State = last
		c.state, c.crawl = crawlerReady, nil
		c.last = &lastCrawl{Status: last, LogGroup: run.body.LogGroup, LogStream: c.name, MessagePrefix: s.hex(32), StartTime: run.body.StartedOn}
		if w != nil {
			s.nodeEnded(w, node, last)
		}
	})
	return run
}
