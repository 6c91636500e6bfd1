package local

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// AWSConfig returns a configuration of the SDK that reaches the endpoint.
func (e *Endpoint) AWSConfig() aws.Config {
	return aws.Config{
		Region: DefaultRegion, BaseEndpoint: new(e.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}
