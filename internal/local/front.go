package local

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/landfall/landfall/internal/local/functions"
)

var invokePath = regexp.MustCompile(`^/2015-03-31/functions/([^/]+)/invocations$`)

// ServeHTTP sends a request to the service it is for.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.log.Debug("request", "method", r.Method, "path", r.URL.Path, "target", r.Header.Get("X-Amz-Target"))
	service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case service == "AWSGlue":
		e.serveGlue(w, r, operation)
	case service == "ServiceQuotasV20190624" && operation == "ListServiceQuotas":
		e.serveQuotas(w, r)
	case service == "AWSStepFunctions" && operation == "StartExecution":
		e.serveStartExecution(w, r)
	case service == "AWSEvents":
		e.uploads.forgetRules()
		e.proxy.ServeHTTP(w, r)
		e.uploads.forgetRules()
	case r.Method == http.MethodPost && invokePath.MatchString(r.URL.EscapedPath()):
		e.serveInvoke(w, r)
	case isForm(r):
		e.serveForm(w, r)
	default:
		e.serveOther(w, r)
	}
}

// newProxy forwards to moto. Host and path stay as sent: moto reads both.
func newProxy(motoURL string, log *slog.Logger) *httputil.ReverseProxy {
	target, _ := url.Parse(motoURL)
	// Moto closes each connection after one answer. Bodies pass as they are.
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = target.Scheme, target.Host
			p.Out.Host = p.In.Host
		},
		ModifyResponse: func(resp *http.Response) error {
			if resp.Header.Get("X-Amzn-Requestid") == "" {
				resp.Header.Set("X-Amzn-Requestid", uuid.NewString())
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				log.Error("proxy failed", "path", r.URL.Path, "error", err)
			}
			w.WriteHeader(http.StatusBadGateway)
		},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

func (e *Endpoint) serveInvoke(w http.ResponseWriter, r *http.Request) {
	name, err := url.PathUnescape(invokePath.FindStringSubmatch(r.URL.EscapedPath())[1])
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	e.functions.ServeInvoke(w, r, name, functions.Region(r, DefaultRegion))
}

// serveStartExecution names an execution that has no name, as AWS does. Moto calls each "None" and refuses the
// second.
func (e *Endpoint) serveStartExecution(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var request map[string]any
	if json.Unmarshal(body, &request) == nil && (request["name"] == nil || request["name"] == "") {
		request["name"] = uuid.NewString()
		if named, err := json.Marshal(request); err == nil {
			body = named
		}
	}
	e.forward(w, r, body)
}

// serveOther passes everything else on, and emits events for uploads to S3.
func (e *Endpoint) serveOther(w http.ResponseWriter, r *http.Request) {
	u, ok := uploadOf(r)
	if !ok {
		e.proxy.ServeHTTP(w, r)
		return
	}
	recorder := &statusRecorder{ResponseWriter: w}
	e.proxy.ServeHTTP(recorder, r)
	if recorder.status == http.StatusOK {
		e.uploads.seen(u)
	}
}

// forward passes a request on with the given body.
func (e *Endpoint) forward(w http.ResponseWriter, r *http.Request, body []byte) {
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	e.proxy.ServeHTTP(w, r)
}

// statusRecorder remembers the status of the answer.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	if status >= 200 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the writer.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// dataCatalog matches the operations of the Glue Data Catalog, which moto serves.
var dataCatalog = regexp.MustCompile(`^(BatchCreate|BatchDelete|BatchGet|BatchUpdate|Create|Delete|Get|Search|Update|Put)` +
	`(Databases?|Tables?|TableVersions?|Partitions?|PartitionIndex(es)?|Connections?|ResourcePolicy|DataCatalogEncryptionSettings)$`)

func (e *Endpoint) serveGlue(w http.ResponseWriter, r *http.Request, operation string) {
	switch {
	case e.glue.Handles(operation):
		e.glue.ServeHTTP(w, r)
	case dataCatalog.MatchString(operation):
		e.proxy.ServeHTTP(w, r)
	default:
		refuseOperation(w, operation)
	}
}

// serveQuotas lists Glue's quotas; moto knows only those of VPC.
func (e *Endpoint) serveQuotas(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var request struct{ ServiceCode string }
	if json.Unmarshal(body, &request) != nil || request.ServiceCode != "glue" {
		e.forward(w, r, body)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", uuid.NewString())
	_ = json.NewEncoder(w).Encode(map[string]any{"Quotas": e.glue.ServiceQuotas()})
}

// refuseOperation answers as AWS does for an operation that does not exist.
func refuseOperation(w http.ResponseWriter, operation string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", uuid.NewString())
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{
		"__type":  "UnknownOperationException",
		"Message": fmt.Sprintf("Glue operation %s is not served by the local endpoint", operation),
	})
}
