using System.Reflection;
using System.Text.Json;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Proof;

/// <summary>Makes the signed statements about mailboxes. The key is made when it is needed first. Thread-safe.</summary>
internal sealed class ProofStatements(CollectorOptions options, IStorage storage, TimeProvider time, bool hasHistory) : IDisposable
{
    private readonly Lock _gate = new();
    private ProofKey? _key;

    /// <summary>The version of this program.</summary>
    public static string Version { get; } =
        typeof(ProofStatements).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>The key.</summary>
    public StorageResult<ProofKey> Key()
    {
        lock (_gate)
        {
            if (_key is null)
            {
                var opened = ProofKey.Open(storage, options.SpoolPath);
                if (!opened.IsOk)
                {
                    return opened;
                }

                _key = opened.Value;
            }

            return _key;
        }
    }

    /// <summary>States a mailbox's accounts; by hour those of a range.</summary>
    public async Task<StorageResult<SignedDocument>> StateAsync(Mailbox mailbox, TimeRange range, CancellationToken cancellationToken)
    {
        var key = Key();
        if (!key.IsOk)
        {
            return key.Error;
        }

        var settings = options.Mailboxes.Single(m => m.Name == mailbox.Name);
        var (status, accounts) = await mailbox.AccountsAsync(cancellationToken);
        var (first, last) = (BookHour.Of(range.FromNs), BookHour.Of(range.ToNs));
        var other = accounts.Earlier;
        var hours = new List<HourAccounts>();
        foreach (var (hour, blocks, events) in accounts.Hours)
        {
            if (hour >= first && hour <= last)
            {
                hours.Add(new HourAccounts(BookHour.Format(hour), blocks, events));
            }
            else
            {
                other += events;
            }
        }

        var statement = new SourceStatement
        {
            Node = options.Node,
            Mailbox = mailbox.Name,
            Stream = status.Stream,
            StatedNs = UnixTime.FromDateTimeOffset(time.GetUtcNow()),
            Version = Version,
            History = !hasHistory ? SourceStatement.HistoryNone
                : settings.IgnoresEvents ? SourceStatement.HistorySnapshots
                : SourceStatement.HistoryKept,
            Snapshots = settings.SnapshotInterval is not null,
            Accounts = new EventAccounts(
                status.AcceptedEvents, status.DeliveredEvents, status.BacklogEvents, status.LostEvents, status.QuarantinedEvents),
            OtherHours = other,
            Hours = hours,
            Chain = accounts.Chain,
        };
        return SignedDocument.Sign(SourceStatement.Format, JsonSerializer.Serialize(statement, SourceStatement.Json), key.Value);
    }

    public void Dispose() => _key?.Dispose();
}
