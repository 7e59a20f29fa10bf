using ZfRepl.Core.Frames;

namespace ZfRepl.Simulation.Checks;

/// <summary>Holds the accounts of the system against each other and against what really happened.</summary>
internal sealed class Ledger(SimLoop loop, Plan plan, Truth truth, IReadOnlyList<Edge> edges, IReadOnlyList<Centre> centres)
{
    private readonly Dictionary<SimProcess, int> _seen = [];

    /// <summary>After every step: each mailbox's accounts add up, and claim nothing that is not so.</summary>
    public void CheckStep()
    {
        foreach (var edge in edges)
        {
            if (edge.Collector is not { IsOpen: true } collector || _seen.GetValueOrDefault(collector.Process) == collector.Process.Calls)
            {
                continue;
            }

            _seen[collector.Process] = collector.Process.Calls;
            for (var i = 0; i < collector.Mailboxes.Count; i++)
            {
                // Nothing runs at this moment, so nobody is in the mailbox.
                var asked = collector.Mailboxes[i].StatusAsync(CancellationToken.None);
                if (asked.IsCompletedSuccessfully)
                {
                    Check(asked.Result, edge, i);
                }
            }
        }
    }

    /// <summary>True when every reading is in every database or given up in its books, and nothing waits anywhere.</summary>
    public bool IsAllWhereItBelongs() =>
        edges.All(e => e.Plant.Kept == 0 && e.Collector is { IsOpen: true })
        && Pairs().All(p => Backlog(p.Edge, p.Centre) == 0) && Pairs().All(p => truth.Missing(p.Edge.Number, p.Centre).Count == 0);

    /// <summary>How many readings of each edge each centre does not have yet.</summary>
    public List<int> Missing() => [.. Pairs().Select(p => truth.Missing(p.Edge.Number, p.Centre).Count)];

    /// <summary>What must be so at the end.</summary>
    /// <param name="patience">How long ago the last fault was.</param>
    public void CheckEnd(TimeSpan patience)
    {
        foreach (var (edge, centre) in Pairs())
        {
            if (truth.Missing(edge.Number, centre) is { Count: > 0 } missing)
            {
                loop.Violate(
                    $"{patience.TotalMinutes:0} minutes after the last fault {missing.Count} readings of {edge.Name} are missing in {centres[centre].Name}, "
                    + $"the first is {missing[0]}; {Describe(edge, centre)}");
                return;
            }

            if (edge.Plant.Kept > 0 || Backlog(edge, centre) != 0)
            {
                loop.Violate($"{patience.TotalMinutes:0} minutes after the last fault something still waits: {Describe(edge, centre)}");
                return;
            }

            var status = edge.Collector!.Mailboxes[centre].StatusAsync(CancellationToken.None).Result;
            // What lies in a file that the disk would not give has no number any more, so nobody can count it as accepted.
            var aside = (ulong)truth.AsideOnly(edge.Number, centre);
            if (status.AcceptedEvents > (ulong)truth.Made(edge.Number) || status.AcceptedEvents + aside < (ulong)truth.Made(edge.Number))
            {
                loop.Violate($"{edge.Name}/{centres[centre].Name} accepted {status.AcceptedEvents} readings, and the plant made {truth.Made(edge.Number)}");
            }
        }

        foreach (var centre in centres)
        {
            CheckLines(centre);
        }
    }

    private void CheckLines(Centre centre)
    {
        if (!plan.HasJsonLines)
        {
            return;
        }

        // A file that is not there has no lines.
        var bytes = centre.Machine.Storage.Content(Centre.LinesPath) ?? [];
        var lines = System.Text.Encoding.UTF8.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        // A block that its source let expire between database and lines is in the source's books.
        if (lines.Length > centre.Store.Rows || (lines.Length < centre.Store.Rows && !plan.MayExpire) || lines.Distinct(StringComparer.Ordinal).Count() != lines.Length)
        {
            loop.Violate(
                $"{centre.Name}: the file of lines has {lines.Length} lines, {lines.Distinct(StringComparer.Ordinal).Count()} of them different, for {centre.Store.Rows} rows");
        }
    }

    private void Check(Collector.Mailboxes.MailboxStatus status, Edge edge, int centre)
    {
        var name = $"{edge.Name}/{status.Name}";
        if (status.AcceptedEvents != status.DeliveredEvents + status.BacklogEvents + status.LostEvents + status.QuarantinedEvents)
        {
            loop.Violate(
                $"{name}: accepted {status.AcceptedEvents} is not delivered {status.DeliveredEvents} + backlog {status.BacklogEvents} + lost {status.LostEvents} "
                + $"+ quarantined {status.QuarantinedEvents}");
        }

        if (status.AcceptedEvents > (ulong)truth.Made(edge.Number))
        {
            loop.Violate($"{name}: accepted {status.AcceptedEvents} readings, and the plant made {truth.Made(edge.Number)} so far");
        }

        if (StreamId.TryParse(status.Stream, out var stream)
            && status.DeliveredEvents > (centres[centre].Store.Streams.GetValueOrDefault(stream)?.Received.Count ?? 0))
        {
            loop.Violate($"{name}: {status.DeliveredEvents} readings count as delivered, and {centres[centre].Name} has not received so many");
        }
    }

    private IEnumerable<(Edge Edge, int Centre)> Pairs() => edges.SelectMany(e => centres.Select((_, i) => (e, i)));

    private long Backlog(Edge edge, int centre)
    {
        if (edge.Collector is not { IsOpen: true } collector || collector.Mailboxes[centre].StatusAsync(CancellationToken.None) is not { IsCompletedSuccessfully: true } asked)
        {
            return -1;
        }

        return (long)asked.Result.BacklogEvents;
    }

    private string Describe(Edge edge, int centre)
    {
        var mailbox = edge.Collector is { IsOpen: true } collector
            ? collector.Mailboxes[centre].StatusAsync(CancellationToken.None).Result.ToString()
            : "the collector does not run";
        return $"the plant keeps {edge.Plant.Kept} notifications; {mailbox}; fetching: {string.Join("; ", centres[centre].Troubles)}";
    }
}
