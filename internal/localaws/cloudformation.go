package localaws

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// isForm tells requests of the query protocol: CloudFormation, IAM, STS, SNS, CloudWatch.
func isForm(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/" &&
		strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// serveForm passes a query request on. Templates are bridged on their way in, and given back as they were sent: the
// CDK CLI compares them to decide whether there is anything to deploy.
func (e *Endpoint) serveForm(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		e.forward(w, r, body)
		return
	}
	switch form.Get("Action") {
	case "CreateStack", "UpdateStack", "CreateChangeSet":
		if err := e.bridgeForm(r.Context(), form); err != nil {
			e.log.Warn("template left as it is", "stack", form.Get("StackName"), "error", err)
		} else {
			body = []byte(form.Encode())
		}
		fallthrough
	case "ExecuteChangeSet", "DeleteStack":
		e.uploads.forgetRules()
		defer e.uploads.forgetRules()
	case "GetTemplate":
		e.serveTemplate(w, r, body)
		return
	}
	e.forward(w, r, body)
}

// bridgeForm rewrites the template of a request.
func (e *Endpoint) bridgeForm(ctx context.Context, form url.Values) error {
	text := []byte(form.Get("TemplateBody"))
	if location := form.Get("TemplateURL"); location != "" {
		var err error
		if text, err = e.readTemplate(ctx, location); err != nil {
			return err
		}
	}
	bridged, changed, err := bridgeTemplate(text, func(bucket, key string) ([]byte, error) {
		return getObject(ctx, e.clients.s3, bucket, key)
	})
	if err != nil || !changed {
		return err
	}
	form.Del("TemplateURL")
	form.Set("TemplateBody", string(bridged))
	return nil
}

// readTemplate reads a template by its URL, path-style or host-style.
func (e *Endpoint) readTemplate(ctx context.Context, location string) ([]byte, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("template URL: %w", err)
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if name, _, ok := strings.Cut(u.Hostname(), ".s3."); ok {
		bucket, key = name, strings.TrimPrefix(u.Path, "/")
	}
	return getObject(ctx, e.clients.s3, bucket, key)
}

var templateBody = regexp.MustCompile(`(?s)<TemplateBody>(.*?)</TemplateBody>`)

// serveTemplate answers GetTemplate with the template as it was sent.
func (e *Endpoint) serveTemplate(w http.ResponseWriter, r *http.Request, body []byte) {
	recorder := httptest.NewRecorder()
	e.forward(recorder, r, body)
	answer := recorder.Body.Bytes()
	if found := templateBody.FindSubmatchIndex(answer); found != nil {
		sent := restoreTemplate([]byte(html.UnescapeString(string(answer[found[2]:found[3]]))))
		var escaped bytes.Buffer
		if xml.EscapeText(&escaped, sent) == nil {
			answer = bytes.Join([][]byte{answer[:found[2]], escaped.Bytes(), answer[found[3]:]}, nil)
		}
	}
	for name, values := range recorder.Header() {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(answer)
}

// sendsEvents reports whether the bucket's EventBridge notifications are on: by the S3 API, or by the template that
// made the bucket, because moto's CloudFormation skips the property.
func (u *uploads) sendsEvents(ctx context.Context, bucket string) (bool, error) {
	n, err := u.clients.s3.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: &bucket})
	if err != nil {
		return false, fmt.Errorf("get notifications of bucket %q: %w", bucket, err)
	}
	if n.EventBridgeConfiguration != nil {
		return true, nil
	}
	described, err := u.clients.cloudformation.DescribeStackResources(ctx,
		&cloudformation.DescribeStackResourcesInput{PhysicalResourceId: &bucket})
	if _, ok := errors.AsType[smithy.APIError](err); ok {
		return false, nil // not made by a stack
	}
	if err != nil {
		return false, fmt.Errorf("find the stack of bucket %q: %w", bucket, err)
	}
	for _, resource := range described.StackResources {
		if value(resource.PhysicalResourceId) != bucket {
			continue
		}
		template, err := u.clients.cloudformation.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: resource.StackName})
		if err != nil {
			return false, fmt.Errorf("get template of stack %q: %w", value(resource.StackName), err)
		}
		return bucketSendsEvents([]byte(value(template.TemplateBody)), value(resource.LogicalResourceId)), nil
	}
	return false, nil
}

// bucketSendsEvents looks at the bucket's own property and at the custom resource the CDK sets it with.
func bucketSendsEvents(template []byte, logicalID string) bool {
	type notifications struct {
		EventBridgeConfiguration *struct{ EventBridgeEnabled *bool }
	}
	var t struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				BucketName                json.RawMessage
				NotificationConfiguration notifications
			}
		}
	}
	if json.Unmarshal(template, &t) != nil {
		return false
	}
	on := func(n notifications) bool {
		c := n.EventBridgeConfiguration
		return c != nil && (c.EventBridgeEnabled == nil || *c.EventBridgeEnabled)
	}
	for id, resource := range t.Resources {
		var ref struct{ Ref string }
		_ = json.Unmarshal(resource.Properties.BucketName, &ref)
		isBucket := id == logicalID
		isItsNotifications := resource.Type == bucketNotifications && ref.Ref == logicalID
		if (isBucket || isItsNotifications) && on(resource.Properties.NotificationConfiguration) {
			return true
		}
	}
	return false
}
