using Microsoft.Extensions.Logging;
using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Security;

namespace ZfRepl.Collector.Sources.OpcUa;

/// <summary>One OPC UA server as a source of readings.</summary>
internal sealed class OpcUaSource : ITelemetrySource
{
    private readonly OpcUaSourceOptions _options;
    private readonly Func<IIntake, SubscriptionIntake> _makeIntake;
    private readonly Func<ISubscriptionHost, Subscriber> _makeSubscriber;
    private Subscriber? _subscriber;
    private SubscriptionIntake? _intake;

    /// <param name="options">What to watch, and where.</param>
    /// <param name="application">Who this application is.</param>
    /// <param name="file">Where the subscription is remembered.</param>
    /// <param name="logger">The log.</param>
    /// <param name="time">The clock.</param>
    public OpcUaSource(OpcUaSourceOptions options, OpcUaApplication application, SubscriptionStateFile file, ILogger logger, TimeProvider time)
    {
        _options = options;
        _makeIntake = intake => new SubscriptionIntake(options, intake, file, time);
        _makeSubscriber = host => new Subscriber(ClientOptions(options, application), SubscriptionOptions(options), host, logger, time);
    }

    public string Name => _options.Name;

    public SourceState State
    {
        get
        {
            if (_subscriber is not { } subscriber)
            {
                return new SourceState(false, "is starting");
            }

            var state = subscriber.State;
            var refused = state.ItemsRefused == 0 ? "" : $"; the server refuses {state.ItemsRefused} of {state.Items + state.ItemsRefused} items";
            var overflows = _intake!.Overflows == 0 ? "" : $"; LOSS: {_intake.Overflows} overflows of the server's queues";
            var skips = _intake.Skipped;
            var skipped = skips.Count == 0 ? "" : $"; {skips.Count} nodes are left out, the first: {skips.First}";
            return new SourceState(
                state.IsConnected && state.ItemsRefused == 0 && skips.Count == 0,
                $"{_options.EndpointUrl}: {state.Text}{refused}{skipped}{overflows}")
            {
                IsConnected = state.IsConnected,
            };
        }
    }

    public async Task RunAsync(IIntake intake, CancellationToken cancellationToken)
    {
        _intake = _makeIntake(intake);
        _subscriber = _makeSubscriber(_intake);
        if (await _subscriber.RunAsync(cancellationToken) is { } error)
        {
            throw new InvalidOperationException($"The source {Name} can't go on: {error}");
        }
    }

    private static UaClientOptions ClientOptions(OpcUaSourceOptions options, OpcUaApplication application) => new()
    {
        EndpointUrl = options.EndpointUrl,
        ApplicationUri = application.Uri,
        ApplicationName = application.Name,
        Policy = options.Policy,
        Mode = options.Mode,
        Certificate = options.Policy == SecurityPolicy.None ? null : application.Certificate,
        Validator = options.Policy == SecurityPolicy.None ? null : application.Validator(options.AcceptAnyCertificate),
        UserName = options.UserName,
        Password = options.Password,
        SessionTimeout = options.Lifetime,
    };

    private static SubscriptionOptions SubscriptionOptions(OpcUaSourceOptions options) => new()
    {
        PublishingInterval = options.PublishingInterval,
        Lifetime = options.Lifetime,
    };
}
