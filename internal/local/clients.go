package local

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

// clients talk to moto itself, past the front.
type clients struct {
	eventbridge *eventbridge.Client
	lambda      *lambda.Client
	s3          *s3.Client
	sfn         *sfn.Client
}

func newClients(motoURL, region string) clients {
	c := aws.Config{
		Region: region, BaseEndpoint: &motoURL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	return clients{
		eventbridge: eventbridge.NewFromConfig(c),
		lambda:      lambda.NewFromConfig(c),
		s3:          s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true }),
		sfn:         sfn.NewFromConfig(c),
	}
}
