package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsglue"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// newSampleDatabaseStack is a PostgreSQL to try Landfall on: Aurora Serverless
// that pauses when idle, in a VPC without internet, with the Glue NETWORK
// connection that reaches it. It goes without a trace with its stack.
func newSampleDatabaseStack(scope constructs.Construct, id string, props *awscdk.StackProps) awscdk.Stack {
	stack := awscdk.NewStack(scope, &id, props)
	vpc := awsec2.NewVpc(stack, new("Vpc"), &awsec2.VpcProps{
		MaxAzs: new(2.0), NatGateways: new(0.0),
		SubnetConfiguration: &[]*awsec2.SubnetConfiguration{{Name: new("private"), SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED, CidrMask: new(24.0)}},
	})
	isolated := &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED}
	group := awsec2.NewSecurityGroup(stack, new("Access"), &awsec2.SecurityGroupProps{
		Vpc: vpc, Description: new("Landfall sample: the database, the Glue jobs and the endpoints"), AllowAllOutbound: new(true),
	})
	// Glue asks for a group that lets its own workers reach each other on every port.
	group.AddIngressRule(group, awsec2.Port_AllTcp(), new("Glue workers among themselves, and to the database"), nil)
	vpc.AddGatewayEndpoint(new("S3"), &awsec2.GatewayVpcEndpointOptions{Service: awsec2.GatewayVpcEndpointAwsService_S3()})
	for _, e := range []struct {
		name    string
		service awsec2.InterfaceVpcEndpointAwsService
	}{
		{"SecretsManager", awsec2.InterfaceVpcEndpointAwsService_SECRETS_MANAGER()},
		{"Glue", awsec2.InterfaceVpcEndpointAwsService_GLUE()},
		{"Logs", awsec2.InterfaceVpcEndpointAwsService_CLOUDWATCH_LOGS()},
	} {
		vpc.AddInterfaceEndpoint(&e.name, &awsec2.InterfaceVpcEndpointOptions{
			Service: e.service, Subnets: isolated, SecurityGroups: &[]awsec2.ISecurityGroup{group}, Open: new(false),
		})
	}
	cluster := awsrds.NewDatabaseCluster(stack, new("Database"), &awsrds.DatabaseClusterProps{
		Engine: awsrds.DatabaseClusterEngine_AuroraPostgres(&awsrds.AuroraPostgresClusterEngineProps{
			Version: awsrds.AuroraPostgresEngineVersion_VER_16_13(),
		}),
		Writer:                  awsrds.ClusterInstance_ServerlessV2(new("Writer"), nil),
		ServerlessV2MinCapacity: new(0.0), ServerlessV2MaxCapacity: new(2.0),
		Credentials:         awsrds.Credentials_FromGeneratedSecret(new("landfall"), nil),
		DefaultDatabaseName: new("hr"),
		Vpc:                 vpc, VpcSubnets: isolated, SecurityGroups: &[]awsec2.ISecurityGroup{group},
		StorageEncrypted: new(true), RemovalPolicy: awscdk.RemovalPolicy_DESTROY, DeletionProtection: new(false),
		EnableDataApi: new(true),
	})
	subnet := (*vpc.IsolatedSubnets())[0]
	connection := awsglue.NewCfnConnection(stack, new("Connection"), &awsglue.CfnConnectionProps{
		CatalogId: stack.Account(),
		ConnectionInput: &awsglue.CfnConnection_ConnectionInputProperty{
			Name: new("landfall-sample"), ConnectionType: new("NETWORK"), ConnectionProperties: map[string]string{},
			PhysicalConnectionRequirements: &awsglue.CfnConnection_PhysicalConnectionRequirementsProperty{
				AvailabilityZone: subnet.AvailabilityZone(), SubnetId: subnet.SubnetId(), SecurityGroupIdList: &[]*string{group.SecurityGroupId()},
			},
		},
	})
	awscdk.NewCfnOutput(stack, new("SecretName"), &awscdk.CfnOutputProps{Value: cluster.Secret().SecretName(), Description: new("SecretName of a catalog")})
	awscdk.NewCfnOutput(stack, new("ConnectionName"), &awscdk.CfnOutputProps{Value: connection.Ref(), Description: new("NetworkConnectionName of a catalog")})
	cdknag.NagSuppressions_AddStackSuppressions(stack, &[]*cdknag.NagPackSuppression{
		{Id: new("AwsSolutions-VPC7"), Reason: new("A sample database's VPC without internet; flow logs would cost more than the rest.")},
		{Id: new("AwsSolutions-SMG4"), Reason: new("The sample's secret lives as long as an evening's trial; rotation needs a function in the VPC.")},
		{Id: new("AwsSolutions-RDS6"), Reason: new("Landfall reads with a secret; IAM database authentication is not offered yet.")},
		{Id: new("AwsSolutions-RDS10"), Reason: new("A sample is meant to be destroyed.")},
		{Id: new("AwsSolutions-RDS11"), Reason: new("The default port, as users' databases have it; nothing outside the security group reaches it.")},
	}, nil)
	return stack
}
