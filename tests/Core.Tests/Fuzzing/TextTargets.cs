using System.Text;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Import;
using ZfRepl.Core.Schedule;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Tests.Blocks;
using ZfRepl.TestKit;
using ZfRepl.TestKit.Fuzzing;

namespace ZfRepl.Core.Tests.Fuzzing;

/// <summary>Texts that come from files, names and calls.</summary>
internal static class TextTargets
{
    public static IEnumerable<(FuzzTarget Target, int Rounds)> All =>
    [
        Texts("oid", 50_000, ReadOid, "sensor:plant/line1/temperature", "unit:a", "lvar:ä/b_c.d"),
        Texts("oid-mask", 50_000, ReadMask, "#", "sensor:#", "sensor:plant/+/t", "unit:r(a|b)/x"),
        Texts("cron", 5_000, ReadCron, "0 0 * * * *", "*/5 1-7,9 * * JAN-MAR MON 2026-2030", "@daily", "0 30 2 29 2 * *"),
        Texts("names", 50_000, ReadNames, "mbb_1700000000", "mbb_1.open", "000102030405060708090a0b0c0d0e0f"),
        (new FuzzTarget("quarantine-note", [QuarantineNote.Write("damaged", "/spool/mbb_1", 1_000)], input => _ = QuarantineNote.Read(input)), 20_000),
        (new FuzzTarget("way-note", [Encoding.UTF8.GetBytes("""{"way":["edge1","site"],"arrived_ns":1700000000000000000}""")], ReadWayNote)
        {
            InputBytesMax = 20_000,
            Words = [.. new[] { "null", "null,", "\"\",", "\"\\ud800\"", "\"edge1\",", "9999999999999999999999", "[", "]" }.Select(Encoding.UTF8.GetBytes)],
        }, 5_000),
    ];

    private static (FuzzTarget Target, int Rounds) Texts(string name, int rounds, Action<string> read, params string[] samples) =>
        (new FuzzTarget(name, [.. samples.Select(Encoding.UTF8.GetBytes)], input => read(Encoding.UTF8.GetString(input)))
        {
            InputBytesMax = 2_000,
            Words = [.. new[] { "*", "/", "-", ",", "?", "L", "#", "+", "@", ":", "\0", "..", "\u2028", "99999999999999999999", "%" }.Select(Encoding.UTF8.GetBytes)],
        }, rounds);

    /// <summary>With a checksum that fits always: whatever is written there, either it is a way, or it is said what is wrong with it.</summary>
    private static void ReadWayNote(byte[] line)
    {
        var storage = new SimulatedStorage();
        var inbox = Inbox.Open(storage, "/inbox").Value;
        var block = new BlockKey(FormatSamples.Stream, 1, new BlockHash(new byte[BlockHash.SizeBytes]));
        Assert.True(CheckedFile.Write(storage, $"/inbox/{InboxName.NoteOf(block)}", line).IsOk);
        var note = inbox.ReadNote(block, out var damage);
        Assert.True(note.IsOk);
        Assert.Equal(note.Value is null, damage is not null);
        Assert.Equal(note.Value is null, note.Value?.Parsed is null);
    }

    private static void ReadOid(string text)
    {
        if (Oid.TryParse(text, out var oid, out var error))
        {
            Assert.Equal(oid, Oid.Parse(oid.Text));
            Assert.True(OidMask.All.Matches(oid));
        }
        else
        {
            Assert.False(string.IsNullOrEmpty(error));
        }
    }

    private static void ReadMask(string text)
    {
        if (OidMask.TryParse(text, out var mask, out var error))
        {
            _ = mask.Matches(EventSamples.Temperature);
            Assert.True(OidMask.TryParse(mask.Text, out _, out var problem), problem);
        }
        else
        {
            Assert.False(string.IsNullOrEmpty(error));
        }
    }

    private static void ReadCron(string text)
    {
        if (!CronSchedule.TryParse(text, out var schedule, out var error))
        {
            Assert.False(string.IsNullOrEmpty(error.Message));
            return;
        }

        var now = new DateTimeOffset(2026, 3, 28, 23, 59, 59, TimeSpan.Zero);
        for (var i = 0; i < 3 && schedule.Next(now, TimeZoneInfo.Utc) is { } next; i++)
        {
            Assert.True(next > now);
            now = next;
        }
    }

    private static void ReadNames(string text)
    {
        if (BlockName.TryParse(text, out var name))
        {
            Assert.Equal(text, name.ToString());
        }

        _ = BlockName.TryParseOpen(text, out _);
        if (StreamId.TryParse(text, out var id))
        {
            Assert.Equal(text, id.ToString(), ignoreCase: true);
        }

        _ = BlockHash.TryParse(text, out _);
    }
}
