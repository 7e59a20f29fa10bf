using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Configuration;

namespace ZfRepl.Replicator.Repair;

/// <summary>The section <c>self_repair</c> of a mailbox → options.</summary>
internal static class RepairBinder
{
    private static readonly string[] HistoryNames = ["default", "eva.db.default"];

    /// <summary>Binds the section.</summary>
    public static RepairOptions Bind(ConfigSection section)
    {
        var defaults = new RepairOptions();
        var interval = section.IsNull("repair_interval") ? null : section.Duration("repair_interval", TimeSpan.FromSeconds(1), TimeSpan.FromDays(365));
        var gap = section.Duration("gap", TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(365)) ?? defaults.Gap;
        if (section.String("history_db_svc") is { } name && !HistoryNames.Contains(name, StringComparer.Ordinal))
        {
            section.Warning(
                "history_db_svc",
                $"there is no history database '{name}': gaps are searched in the database that `client.history` names",
                "write default, or remove it");
        }

        return new RepairOptions
        {
            Heartbeats = BindHeartbeats(section),
            Interval = interval,
            Range = section.Duration("range", TimeSpan.FromSeconds(1), TimeSpan.FromDays(36_500)) ?? defaults.Range,
            Gap = gap,
            Tolerance = section.Duration("tolerance", maximum: TimeSpan.FromDays(1)),
        };
    }

    /// <summary>Reads OIDs of heartbeats.</summary>
    /// <returns>The OIDs, or null and what is wrong with one.</returns>
    public static IReadOnlyList<Oid>? ReadHeartbeats(IEnumerable<string> texts, out string? error)
    {
        var heartbeats = new List<Oid>();
        error = null;
        foreach (var text in texts)
        {
            if (!Oid.TryParse(text.Trim(), out var oid, out error))
            {
                error = $"'{OutsideText.Show(text)}' is no item: {error}";
                return null;
            }

            heartbeats.Add(oid);
        }

        return heartbeats;
    }

    private static IReadOnlyList<Oid> BindHeartbeats(ConfigSection section)
    {
        var texts = section.Strings("oid");
        if (texts is null or [])
        {
            section.Warning(
                "oid",
                "without a heartbeat only holes in the sequence numbers are repaired, not what the source has never put into its mailbox",
                "name an item that changes at a fixed interval, such as a generator of the source's collector");
            return [];
        }

        var heartbeats = ReadHeartbeats(texts.SelectMany(t => texts.Count == 1 ? t.Split(',') : [t]), out var error);
        if (heartbeats is null)
        {
            section.Error("oid", error!, "write for example sensor:edge1/heartbeat");
        }

        return heartbeats ?? [];
    }
}
