using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>Reads the blocks of a mailbox while no collector runs: what is in them was written before the kill.</summary>
internal static class SpoolReader
{
    /// <summary>The events of all intact frames, open blocks included.</summary>
    public static IReadOnlyList<TelemetryEvent> Read(string mailboxPath)
    {
        var events = new List<TelemetryEvent>();
        var reader = new EventFrameReader();
        foreach (var path in Directory.Exists(mailboxPath) ? Directory.EnumerateFiles(mailboxPath, "mbb_*") : [])
        {
            using var file = DiskStorage.Instance.Open(path, write: false).Value;
            var scanner = BlockScanner.Open(file).Value;
            for (var next = scanner.Next().Value; next.Kind != ScanKind.End; next = scanner.Next().Value)
            {
                if (next.Kind == ScanKind.Frame && EventFrameReader.HoldsEvents(next.Header.Type))
                {
                    var batch = new EventBatch(new OidTable());
                    Assert.Null(reader.Read(next.Header, next.Payload.Span, batch));
                    events.AddRange(Enumerable.Range(0, batch.Count).Select(i => batch[i]));
                }
            }
        }

        return events;
    }

    /// <summary>The files of sealed blocks, oldest first.</summary>
    public static IReadOnlyList<string> SealedBlocks(string mailboxPath) =>
        [.. Directory.EnumerateFiles(mailboxPath, "mbb_*").Where(f => BlockName.TryParse(Path.GetFileName(f), out _)).Order(StringComparer.Ordinal)];
}
