package glue

import (
	"encoding/json"
	"time"
)

const crawlersPerPage = 1000

// crawlerFields is the definition of a crawler. Targets are kept as they were sent.
type crawlerFields struct {
	Role                         string              `json:",omitempty"`
	DatabaseName                 *string             `json:",omitempty"`
	Description                  *string             `json:",omitempty" check:"len=0:2048 match=text"`
	Targets                      map[string][]any    `json:",omitempty"`
	Classifiers                  []string            `json:",omitempty" check:"each.len=1:255 each.match=name"`
	TablePrefix                  *string             `json:",omitempty" check:"len=0:128"`
	SchemaChangePolicy           *schemaChangePolicy `json:",omitempty"`
	RecrawlPolicy                json.RawMessage     `json:",omitempty"`
	LineageConfiguration         json.RawMessage     `json:",omitempty"`
	LakeFormationConfiguration   json.RawMessage     `json:",omitempty"`
	Configuration                *string             `json:",omitempty"`
	CrawlerSecurityConfiguration *string             `json:",omitempty" check:"len=0:128"`
	CatalogId                    *string             `json:",omitempty" check:"len=1:255 match=name"`
}

type schemaChangePolicy struct {
	UpdateBehavior string `json:",omitempty" check:"one=update"`
	DeleteBehavior string `json:",omitempty" check:"one=delete"`
}

type createCrawlerInput struct {
	Name          string `check:"required len=1:255 match=name"`
	crawlerFields `check:"Role:required Targets:required"`
	Schedule      *string
	Tags          map[string]string `check:"len=0:50 key.len=1:128 each.len=0:256"`
}

type crawler struct {
	name              string
	fields            crawlerFields
	schedule          *string
	created, modified timestamp
	version           int
	state             string // READY, RUNNING, STOPPING
	started           time.Time
	last              *lastCrawl
	crawl             *crawl // in progress
}

// crawl is one run of a crawler.
type crawl struct {
	body     crawlBody
	workflow *workflowRun
	node     *runNode
}

type crawlBody struct {
	State        string
	StartedOn    timestamp
	CompletedOn  timestamp `json:",omitzero"`
	ErrorMessage string    `json:",omitempty"`
	LogGroup     string    `json:",omitempty"`
	LogStream    string    `json:",omitempty"`
}

type lastCrawl struct {
	Status        string
	LogGroup      string
	LogStream     string
	MessagePrefix string
	StartTime     timestamp
}

type crawlerSchedule struct{ ScheduleExpression, State string }

type crawlerBody struct {
	Name string
	crawlerFields
	Schedule         *crawlerSchedule `json:",omitempty"`
	State            string
	CrawlElapsedTime int64
	CreationTime     timestamp
	LastUpdated      timestamp
	LastCrawl        *lastCrawl `json:",omitempty"`
	Version          int
}

func (s *Server) crawlerBody(c *crawler) *crawlerBody {
	b := &crawlerBody{
		Name: c.name, crawlerFields: c.fields, State: c.state, CreationTime: c.created, LastUpdated: c.modified,
		LastCrawl: c.last, Version: c.version,
	}
	if c.schedule != nil {
		b.Schedule = &crawlerSchedule{*c.schedule, "SCHEDULED"}
	}
	if c.state != crawlerReady {
		b.CrawlElapsedTime = time.Since(c.started).Milliseconds()
	}
	return b
}

func (s *Server) createCrawler(in *createCrawlerInput) (struct{}, error) {
	if s.crawlers[in.Name] != nil {
		return struct{}{}, errorf(codeAlreadyExists, "Crawler with name %s already exists", in.Name)
	}
	if exhausted(s.config.Quotas.Crawlers, len(s.crawlers)) {
		return struct{}{}, errorf(codeResourceNumberLimit, "the limit of %d crawlers is reached", s.config.Quotas.Crawlers)
	}
	if err := checkCrawler(in.Targets, in.Schedule, true); err != nil {
		return struct{}{}, err
	}
	if err := checkTagKeys(in.Tags); err != nil {
		return struct{}{}, err
	}
	s.crawlers[in.Name] = &crawler{
		name: in.Name, fields: in.crawlerFields, schedule: in.Schedule, created: s.now(), modified: s.now(),
		version: 1, state: crawlerReady,
	}
	s.setTags("crawler", in.Name, in.Tags)
	return struct{}{}, nil
}

func checkCrawler(targets map[string][]any, schedule *string, create bool) error {
	n := 0
	for _, list := range targets {
		n += len(list)
	}
	if n == 0 && (create || targets != nil) {
		return invalid("Targets must hold at least one target")
	}
	if schedule != nil && *schedule != "" {
		_, err := parseSchedule(*schedule)
		return err
	}
	return nil
}

type getCrawlerOutput struct{ Crawler *crawlerBody }

func (s *Server) getCrawler(in *nameInput) (*getCrawlerOutput, error) {
	c := s.crawlers[in.Name]
	if c == nil {
		return nil, notFound("Crawler", in.Name)
	}
	return &getCrawlerOutput{s.crawlerBody(c)}, nil
}

type getCrawlersOutput struct {
	Crawlers  []*crawlerBody
	NextToken string `json:",omitempty"`
}

func (s *Server) getCrawlers(in *thousandInput) (*getCrawlersOutput, error) {
	list, next, err := page(names(s.crawlers), in.pageInput, crawlersPerPage)
	out := &getCrawlersOutput{Crawlers: []*crawlerBody{}, NextToken: next}
	for _, name := range list {
		out.Crawlers = append(out.Crawlers, s.crawlerBody(s.crawlers[name]))
	}
	return out, err
}

type listCrawlersOutput struct {
	CrawlerNames []string
	NextToken    string `json:",omitempty"`
}

func (s *Server) listCrawlers(in *listInput) (*listCrawlersOutput, error) {
	list, next, err := page(s.withTags("crawler", names(s.crawlers), in.Tags), in.pageInput, crawlersPerPage)
	return &listCrawlersOutput{list, next}, err
}

type batchGetCrawlersInput struct {
	CrawlerNames []string `check:"required len=0:100 each.len=1:255 each.match=name"`
}

type batchGetCrawlersOutput struct {
	Crawlers         []*crawlerBody
	CrawlersNotFound []string
}

func (s *Server) batchGetCrawlers(in *batchGetCrawlersInput) (*batchGetCrawlersOutput, error) {
	have, missing := found(s.crawlers, in.CrawlerNames)
	out := &batchGetCrawlersOutput{Crawlers: []*crawlerBody{}, CrawlersNotFound: missing}
	for _, c := range have {
		out.Crawlers = append(out.Crawlers, s.crawlerBody(c))
	}
	return out, nil
}
