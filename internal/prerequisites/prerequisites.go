// Package prerequisites checks what tables need in an account, with IAM, Secrets
// Manager and Service Quotas. It is the only importer of these SDKs among the
// deployed code.
package prerequisites

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/smithy-go"

	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/preflight"
)

// Client is one account and Region.
type Client struct {
	iam     *iam.Client
	secrets *secretsmanager.Client
	quotas  *servicequotas.Client
}

// New makes a client.
func New(config aws.Config) *Client {
	return &Client{iam.NewFromConfig(config), secretsmanager.NewFromConfig(config), servicequotas.NewFromConfig(config)}
}

// Codes of Glue's quotas in Service Quotas.
const (
	workflowsQuota = "L-7DD7C33A"
	triggersQuota  = "L-F1653A6D"
	jobsQuota      = "L-611FDDE4"
)

// Quotas implements preflight.Account.
func (c *Client) Quotas(ctx context.Context) (preflight.Quotas, error) {
	var found preflight.Quotas
	pages := servicequotas.NewListServiceQuotasPaginator(c.quotas, &servicequotas.ListServiceQuotasInput{ServiceCode: new("glue")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return found, wrap(err, "list the quotas of", "glue")
		}
		for _, q := range page.Quotas {
			limit := int(aws.ToFloat64(q.Value))
			switch aws.ToString(q.QuotaCode) {
			case workflowsQuota:
				found.Workflows = limit
			case triggersQuota:
				found.Triggers = limit
			case jobsQuota:
				found.Jobs = limit
			}
		}
	}
	return found, nil
}

// CheckRole implements preflight.Account.
func (c *Client) CheckRole(ctx context.Context, role string) error {
	_, err := c.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: new(role[strings.LastIndexByte(role, '/')+1:])})
	return wrap(err, "get role", role)
}

// CheckSecret implements preflight.Account.
func (c *Client) CheckSecret(ctx context.Context, secret string) error {
	_, err := c.secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &secret})
	return wrap(err, "describe secret", secret)
}

func wrap(err error, operation, name string) error {
	if err == nil {
		return nil
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch api.ErrorCode() {
		case "NoSuchEntity", "ResourceNotFoundException":
			return fmt.Errorf("%s %q: %w: %w", operation, name, reconcile.ErrNotFound, err)
		case "AccessDenied", "AccessDeniedException":
			return fmt.Errorf("%s %q: %w: %w", operation, name, reconcile.ErrForbidden, err)
		}
	}
	return fmt.Errorf("%s %q: %w", operation, name, err)
}
