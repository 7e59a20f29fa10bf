using System.Net;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Security.Pki;

namespace ZfRepl.OpcUa.Server;

/// <summary>What a server offers and what it allows. Everything that a client can ask for is bounded here.</summary>
public sealed record UaServerOptions
{
    /// <summary>Where to listen; the loopback address unless told otherwise.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The TCP port; zero takes a free one, which <see cref="UaServer.StartAsync"/> returns.</summary>
    public int Port { get; init; }

    /// <summary>The path of the endpoint URL, with its slash.</summary>
    public string Path { get; init; } = "/plant";

    /// <summary>The URI that names this server; also the first name in the ServerArray. Must be the one in the certificate.</summary>
    public string ApplicationUri { get; init; } = "urn:zfrepl:server";

    /// <summary>The name for people.</summary>
    public string ApplicationName { get; init; } = "ZfRepl server";

    /// <summary>The namespace with index 1, in which the application's own nodes live.</summary>
    public string NamespaceUri { get; init; } = "urn:zfrepl:server:nodes";

    /// <summary>The server's certificate; needed by every endpoint but None, and for the encryption of passwords. Not owned.</summary>
    public ApplicationCertificate? Certificate { get; init; }

    /// <summary>Judges the clients' certificates; needed by every endpoint but None.</summary>
    public CertificateValidator? Validator { get; init; }

    /// <summary>How clients may connect. Discovery over an unprotected channel is possible whatever stands here.</summary>
    public IReadOnlyList<(SecurityPolicy Policy, MessageSecurityMode Mode)> Endpoints { get; init; } =
        [(SecurityPolicy.None, MessageSecurityMode.None)];

    /// <summary>True when a session needs no user.</summary>
    public bool AllowAnonymous { get; init; } = true;

    /// <summary>
    /// Passwords by user name. Without a <see cref="Certificate"/> passwords travel in clear text over the endpoint None.
    /// </summary>
    public IReadOnlyDictionary<string, string> Users { get; init; } = new Dictionary<string, string>();

    /// <summary>The most connections at once; further ones are closed at once.</summary>
    public int ConnectionsMax { get; init; } = 100;

    /// <summary>How long a connection may stay without an activated session.</summary>
    public TimeSpan UnauthenticatedTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The most sessions at once.</summary>
    public int SessionsMax { get; init; } = 100;

    /// <summary>The shortest session timeout that is granted.</summary>
    public TimeSpan SessionTimeoutMin { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest session timeout that is granted.</summary>
    public TimeSpan SessionTimeoutMax { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The shortest lifetime of a channel's token that is granted.</summary>
    public TimeSpan TokenLifetimeMin { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest lifetime of a channel's token that is granted.</summary>
    public TimeSpan TokenLifetimeMax { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The most subscriptions at once, over all sessions and with those that have none any more.</summary>
    public int SubscriptionsMax { get; init; } = 100;

    /// <summary>The most monitored items at once, over all subscriptions.</summary>
    public int MonitoredItemsMax { get; init; } = 100_000;

    /// <summary>The longest queue of a monitored item, in values.</summary>
    public int QueueSizeMax { get; init; } = 100_000;

    /// <summary>
    /// The most values that all queues together may hold, in values of about 60 bytes. When it is reached, a queue that would grow counts as
    /// full: the value lost is marked as an overflow.
    /// </summary>
    public int QueuedValuesMax { get; init; } = 10_000_000;

    /// <summary>The most notifications that are kept for Republish, for each subscription; the oldest go first.</summary>
    public int RetransmissionQueueMax { get; init; } = 4096;

    /// <summary>The most bytes of notifications that are kept for Republish, for each subscription; the oldest go first.</summary>
    public long RetransmissionBytesMax { get; init; } = 256L << 20;

    /// <summary>The most values in one notification.</summary>
    public int NotificationValuesMax { get; init; } = 10_000;

    /// <summary>The most bytes of values in one notification, roughly.</summary>
    public int NotificationBytesMax { get; init; } = 4 << 20;

    /// <summary>The most Publish requests that wait in a session; the oldest is refused beyond.</summary>
    public int PublishRequestsMax { get; init; } = 100;

    /// <summary>The shortest publishing interval that is granted.</summary>
    public TimeSpan PublishingIntervalMin { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>The longest publishing interval that is granted.</summary>
    public TimeSpan PublishingIntervalMax { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The longest time that a subscription lives on without its client.</summary>
    public TimeSpan SubscriptionLifetimeMax { get; init; } = TimeSpan.FromDays(1);

    /// <summary>The shortest sampling interval above zero that is granted; zero, which means every change, is always granted.</summary>
    public TimeSpan SamplingIntervalMin { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>The most nodes, items or paths in one request.</summary>
    public int OperationsMax { get; init; } = 10_000;

    /// <summary>The most references in one answer for one node; the rest waits behind a continuation point.</summary>
    public int ReferencesPerNodeMax { get; init; } = 1000;

    /// <summary>The most continuation points in one session.</summary>
    public int ContinuationPointsMax { get; init; } = 100;

    /// <summary>The largest request, in bytes.</summary>
    public int RequestBytesMax { get; init; } = 4 << 20;

    /// <summary>The largest response, in bytes, if the client takes it.</summary>
    public int ResponseBytesMax { get; init; } = 32 << 20;

    /// <summary>The number of the first notification; other than 1 only to test what happens at the end of the numbers.</summary>
    internal uint FirstSequenceNumber { get; init; } = 1;

    /// <summary>What is wrong with the options; null when nothing is.</summary>
    internal string? WhyInvalid()
    {
        var secured = Endpoints.Any(e => !e.Policy.IsNone);
        return Endpoints.Count == 0 ? "There is no endpoint."
            : Endpoints.Any(e => e.Policy.IsNone != (e.Mode == MessageSecurityMode.None) || e.Mode == MessageSecurityMode.Invalid)
                ? "An endpoint's mode does not go with its policy."
            : secured && Certificate is null ? "Endpoints other than None need a certificate."
            : secured && Certificate!.ApplicationUri != ApplicationUri
                ? $"The certificate names the application '{Certificate.ApplicationUri}', not '{ApplicationUri}'."
            : secured && Validator is null ? "Endpoints other than None need a validator for the clients' certificates."
            : !AllowAnonymous && Users.Count == 0 ? "Nobody may connect: there are no users, and anonymous access is off."
            : Port is < 0 or > ushort.MaxValue ? "The port must be 0 to 65535."
            : !Path.StartsWith('/') ? "The path must begin with a slash."
            : LimitsAreInvalid() ? "A limit is not positive, or a least value is above its greatest."
            : null;
    }

    private bool LimitsAreInvalid()
    {
        int[] counts =
        [
            ConnectionsMax, SessionsMax, SubscriptionsMax, MonitoredItemsMax, QueueSizeMax, QueuedValuesMax, RetransmissionQueueMax,
            NotificationValuesMax, NotificationBytesMax, PublishRequestsMax, OperationsMax, ReferencesPerNodeMax, ContinuationPointsMax,
        ];
        return Array.Exists(counts, c => c < 1) || RetransmissionBytesMax < 1 || UnauthenticatedTimeout <= TimeSpan.Zero
            || RequestBytesMax < 8192 || ResponseBytesMax < 8192 || FirstSequenceNumber == 0
            || SamplingIntervalMin < TimeSpan.FromMilliseconds(1) || SubscriptionLifetimeMax <= TimeSpan.Zero
            || !IsRange(SessionTimeoutMin, SessionTimeoutMax) || !IsRange(TokenLifetimeMin, TokenLifetimeMax)
            || !IsRange(PublishingIntervalMin, PublishingIntervalMax);
    }

    private static bool IsRange(TimeSpan least, TimeSpan greatest) => least >= TimeSpan.FromMilliseconds(1) && greatest >= least
        && greatest.TotalMilliseconds < uint.MaxValue;
}
