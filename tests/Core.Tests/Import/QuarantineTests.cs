using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.Import;

/// <summary>Files that are kept aside: never overwritten, never deleted by themselves.</summary>
public sealed class QuarantineTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly ManualTime _time = new();

    [Fact]
    public void A_file_is_kept_with_a_note_of_why_when_and_from_where()
    {
        var quarantine = Open();
        var origin = Make("mbb_1", "a");
        var path = quarantine.Move(origin, "damage \"here\" ä").Value;
        Assert.False(File.Exists(origin));
        Assert.Equal("a", File.ReadAllText(path));
        Assert.Equal(
            new QuarantineEntry("mbb_1", path, 1, "damage \"here\" ä", origin, UnixTime.FromDateTimeOffset(_time.GetUtcNow())),
            Assert.Single(quarantine.List(null, 10).Value));
        Assert.Contains("\"since\": \"2026-01-01T00:00:00Z\"", File.ReadAllText(path + ".json"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("../mbb_1")]
    [InlineData("/etc/passwd")]
    [InlineData("mbb_1.json")]
    [InlineData("mbb_1\0")]
    [InlineData("mbb_2")]
    public void A_name_that_is_none_of_a_file_here_names_nothing(string name)
    {
        var quarantine = Open();
        Assert.True(quarantine.Move(Make("mbb_1", "a"), "r").IsOk);
        Assert.Null(quarantine.Find(name).Value);
        Assert.Equal("mbb_1", quarantine.Find("mbb_1").Value!.Name);
    }

    [Fact]
    public void Events_are_kept_once_under_a_name_and_measured()
    {
        var quarantine = Open();
        var first = quarantine.KeepEvents("archive-1", QuarantineKind.ArchiveEvents, "abc"u8, "block 1", "too large").Value;
        Assert.Equal(first, quarantine.KeepEvents("archive-1", QuarantineKind.ArchiveEvents, "abc"u8, "block 1", "too large").Value);
        var entry = Assert.Single(quarantine.List(null, 10).Value);
        Assert.Equal((QuarantineKind.ArchiveEvents, "too large", "block 1", "abc"), (entry.Kind, entry.Reason, entry.Origin, File.ReadAllText(entry.Path)));
        Assert.Equal((1, 3L), quarantine.Measure().Value);
        Assert.True(quarantine.Delete("archive-1").IsOk);
        Assert.Equal((0, 0L), quarantine.Measure().Value);
    }

    [Fact]
    public void Files_of_one_name_stay_side_by_side()
    {
        var quarantine = Open();
        for (var i = 0; i < 4; i++)
        {
            Assert.True(quarantine.Move(Make("mbb_1", $"{i}"), $"reason {i}").IsOk);
        }

        Assert.True(quarantine.Copy(_folder["mbb_1"], "tail"u8, "torn").IsOk);
        var entries = quarantine.List(null, 10).Value;
        Assert.Equal(["mbb_1", "mbb_1.1", "mbb_1.2", "mbb_1.3", "mbb_1.4"], entries.Select(e => e.Name));
        Assert.Equal(["0", "1", "2", "3", "tail"], entries.Select(e => File.ReadAllText(e.Path)));
        Assert.Equal(["reason 0", "reason 1", "reason 2", "reason 3", "torn"], entries.Select(e => e.Reason));
    }

    [Fact]
    public void A_file_that_somebody_put_there_is_not_overwritten()
    {
        var quarantine = Open();
        File.WriteAllText(Path.Combine(quarantine.Folder, "mbb_1"), "somebody's");
        Assert.EndsWith("mbb_1.1", quarantine.Move(Make("mbb_1", "a"), "r").Value, StringComparison.Ordinal);
        var entries = quarantine.List(null, 10).Value;
        Assert.Equal(["somebody's", "a"], entries.Select(e => File.ReadAllText(e.Path)));
        Assert.Equal("", entries[0].Reason);
    }

    [Fact]
    public void A_folder_that_somebody_put_there_is_no_reason_to_refuse_a_file_of_its_name()
    {
        var quarantine = Open();
        Directory.CreateDirectory(Path.Combine(quarantine.Folder, "mbb_1"));
        Assert.EndsWith("mbb_1.1", quarantine.Move(Make("mbb_1", "a"), "r").Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_look_like_notes_are_changed()
    {
        var quarantine = Open();
        Assert.True(quarantine.Move(Make("x.json", "a"), "r").IsOk);
        Assert.Equal("a", File.ReadAllText(Assert.Single(quarantine.List(null, 10).Value).Path));
    }

    [Fact]
    public void The_listing_is_paged()
    {
        var quarantine = Open();
        for (var i = 0; i < 5; i++)
        {
            Assert.True(quarantine.Move(Make($"mbb_{i}", "a"), "r").IsOk);
        }

        var first = quarantine.List(null, 3).Value;
        var second = quarantine.List(first[^1].Name, 3).Value;
        Assert.Equal(["mbb_0", "mbb_1", "mbb_2", "mbb_3", "mbb_4"], first.Concat(second).Select(e => e.Name));
    }

    [Fact]
    public void Exporting_copies_and_deleting_deletes_and_neither_leaves_the_folder()
    {
        var quarantine = Open();
        Assert.True(quarantine.Move(Make("mbb_1", "content"), "r").IsOk);
        Assert.True(quarantine.Export("mbb_1", _folder["copy"]).IsOk);
        Assert.Equal("content", File.ReadAllText(_folder["copy"]));
        Assert.True(quarantine.Export("mbb_1", _folder["copy"]).Error?.IsExists);
        Assert.True(quarantine.Delete("mbb_1").IsOk);
        Assert.Empty(Directory.GetFiles(quarantine.Folder));
        Assert.True(quarantine.Delete("mbb_1").Error?.IsNotFound);
        foreach (var name in new[] { "../copy", "..", ".", "", "mbb_1.json", "/etc/passwd" })
        {
            Assert.Throws<ArgumentException>(() => quarantine.Delete(name));
        }
    }

    [Theory]
    [InlineData(StorageOperation.Open, false)]
    [InlineData(StorageOperation.Read, true)]
    [InlineData(StorageOperation.SyncFolder, true)]
    public void An_export_that_fails_removes_what_it_made_and_never_a_file_of_somebody_else(StorageOperation failing, bool isFree)
    {
        Assert.True(Open().Move(Make("mbb_1", "content"), "r").IsOk);
        if (!isFree)
        {
            Make("copy", "somebody's");
        }

        var quarantine = Open((operation, path) =>
            operation == failing && (path.EndsWith("mbb_1", StringComparison.Ordinal) || path == _folder.Path) ? Errno.InputOutput : null);
        Assert.Equal(Errno.InputOutput, quarantine.Export("mbb_1", _folder["copy"]).Error?.Errno);
        Assert.Equal(isFree ? null : "somebody's", File.Exists(_folder["copy"]) ? File.ReadAllText(_folder["copy"]) : null);
    }

    [Fact]
    public void A_note_that_cannot_be_read_does_not_hide_its_file()
    {
        var quarantine = Open();
        var path = quarantine.Move(Make("mbb_1", "a"), "r").Value;
        foreach (var note in new[] { "", "[]", "{\"reason\":5,\"since_ns\":\"x\"}", "{ not json", new string('{', 100_000) })
        {
            File.WriteAllText(path + ".json", note);
            Assert.Equal("mbb_1", Assert.Single(quarantine.List(null, 10).Value).Name);
        }
    }

    [Theory]
    [InlineData(StorageOperation.Rename)]
    [InlineData(StorageOperation.Write)]
    [InlineData(StorageOperation.Sync)]
    public void When_moving_fails_the_file_stays_and_no_name_is_used_up(StorageOperation failing)
    {
        var origin = Make("mbb_1", "a");
        var quarantine = Open((operation, _) => operation == failing ? Errno.NoSpace : null);
        for (var i = 0; i < 3; i++)
        {
            Assert.True(quarantine.Move(origin, "r").Error?.IsNoSpace);
        }

        Assert.Equal("a", File.ReadAllText(origin));
        Assert.Empty(Directory.GetFiles(quarantine.Folder));
    }

    [Fact]
    public void From_another_file_system_a_file_is_copied_and_then_removed()
    {
        var quarantine = Open((operation, path) => operation == StorageOperation.Rename && path.EndsWith("mbb_1", StringComparison.Ordinal) ? Errno.CrossDevice : null);
        var origin = Make("mbb_1", new string('x', 600_000));
        Assert.Equal(600_000, new FileInfo(quarantine.Move(origin, "r").Value).Length);
        Assert.False(File.Exists(origin));
    }

    [RootFact]
    public async Task From_a_real_other_file_system_a_file_is_copied_and_then_removed()
    {
        await using var disk = await SmallDisk.MountAsync(256);
        var origin = Path.Combine(disk.Path, "mbb_1");
        await File.WriteAllTextAsync(origin, "content");
        Assert.Equal("content", await File.ReadAllTextAsync(Open().Move(origin, "r").Value));
        Assert.False(File.Exists(origin));
    }

    [Fact]
    public void From_a_stick_that_cannot_be_written_nothing_is_kept_twice()
    {
        var origin = Make("mbb_1", "a");
        var quarantine = Open((operation, path) => operation switch
        {
            StorageOperation.Rename when path == origin => Errno.CrossDevice,
            StorageOperation.Delete when path == origin => Errno.ReadOnly,
            _ => null,
        });
        Assert.Equal(Errno.ReadOnly, quarantine.Move(origin, "r").Error?.Errno);
        Assert.Equal("a", File.ReadAllText(origin));
        Assert.Empty(Directory.GetFiles(quarantine.Folder));
    }

    public void Dispose() => _folder.Dispose();

    private Quarantine Open(Func<StorageOperation, string, int?>? fault = null) =>
        Quarantine.Open(fault is null ? DiskStorage.Instance : new FaultyStorage(fault), _folder["quarantine"], _time).Value;

    private string Make(string name, string content)
    {
        File.WriteAllText(_folder[name], content);
        return _folder[name];
    }
}
