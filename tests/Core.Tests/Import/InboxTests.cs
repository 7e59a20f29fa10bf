using ZfRepl.Core.Blocks;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.Import;

/// <summary>Blocks on their way in.</summary>
public sealed class InboxTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly BlockKey _key = new(BlockFiles.Stream, 7, new BlockHash(new byte[32]));

    [Fact]
    public void A_block_is_received_in_pieces_and_gets_its_name_when_it_is_whole()
    {
        var inbox = Open();
        using (var part = inbox.Begin(_key, 5).Value)
        {
            Assert.True(part.Append([1, 2, 3]).IsOk);
            Assert.Throws<InvalidOperationException>(() => part.Complete());
            Assert.Throws<ArgumentOutOfRangeException>(() => part.Append([4, 5, 6]));
            Assert.False(Assert.Single(inbox.List().Value).IsComplete);
            Assert.True(part.Append([4, 5]).IsOk);
            Assert.Equal([1, 2, 3, 4, 5], File.ReadAllBytes(part.Complete().Value));
        }

        Assert.Equal(new InboxEntry(_key, Path.Combine(inbox.Folder, Path.GetFileName(Directory.GetFiles(inbox.Folder)[0])), 5, true), Assert.Single(inbox.List().Value));
    }

    [Fact]
    public void What_was_received_before_a_restart_is_still_there()
    {
        using (var part = Open().Begin(_key, 5).Value)
        {
            Assert.True(part.Append([1, 2, 3]).IsOk);
        }

        using var resumed = Open().Begin(_key, 5).Value;
        Assert.Equal(3, resumed.LengthBytes);
        Assert.True(resumed.Append([4, 5]).IsOk);
        Assert.Equal([1, 2, 3, 4, 5], File.ReadAllBytes(resumed.Complete().Value));
    }

    [Fact]
    public void More_than_the_block_has_is_no_beginning_of_it()
    {
        using (var part = Open().Begin(_key, 5).Value)
        {
            Assert.True(part.Append([1, 2, 3, 4, 5]).IsOk);
        }

        using var shorter = Open().Begin(_key, 4).Value;
        Assert.Equal(0, shorter.LengthBytes);
    }

    [Fact]
    public void A_block_in_memory_is_put_in_at_once_whatever_was_there()
    {
        using (var part = Open().Begin(_key, 5).Value)
        {
            Assert.True(part.Append([9, 9]).IsOk);
        }

        Assert.Equal([1, 2, 3], File.ReadAllBytes(Open().Put(_key, [1, 2, 3]).Value));
        Assert.Equal([4, 5, 6, 7], File.ReadAllBytes(Open().Put(_key, [4, 5, 6, 7]).Value));
        Assert.True(Assert.Single(Open().List().Value).IsComplete);
    }

    [Fact]
    public void Removing_takes_the_whole_and_the_part_and_may_be_repeated()
    {
        var inbox = Open();
        Assert.True(inbox.Put(_key, [1]).IsOk);
        using (inbox.Begin(_key, 2).Value)
        {
        }

        Assert.Equal(2, inbox.List().Value.Count);
        Assert.True(inbox.Remove(_key).IsOk);
        Assert.True(inbox.Remove(_key).IsOk);
        Assert.Empty(inbox.List().Value);
    }

    [Fact]
    public void Files_with_other_names_are_left_alone()
    {
        var inbox = Open();
        foreach (var name in new[] { "readme.txt", "x-1-y.block", $"{_key.Stream}-7-{_key.Hash}.block", $"{_key.Stream}-00000000000000000007-{_key.Hash}.old" })
        {
            File.WriteAllText(Path.Combine(inbox.Folder, name), "x");
        }

        Assert.Empty(inbox.List().Value);
        Assert.Equal(4, Directory.GetFiles(inbox.Folder).Length);
    }

    [Fact]
    public void A_disk_that_fills_up_is_an_error_and_the_same_piece_may_come_again()
    {
        var isFull = false;
        var inbox = Inbox.Open(new FaultyStorage((operation, _) => isFull && operation == StorageOperation.Write ? Errno.NoSpace : null), _folder["in"]).Value;
        using var part = inbox.Begin(_key, 4).Value;
        Assert.True(part.Append([1, 2]).IsOk);
        isFull = true;
        Assert.True(part.Append([3, 4]).Error?.IsNoSpace);
        Assert.Equal(2, part.LengthBytes);
        isFull = false;
        Assert.True(part.Append([3, 4]).IsOk);
        Assert.Equal([1, 2, 3, 4], File.ReadAllBytes(part.Complete().Value));
    }

    [Fact]
    public void A_block_whose_sync_failed_has_no_final_name()
    {
        var inbox = Inbox.Open(new FaultyStorage((operation, _) => operation == StorageOperation.Sync ? Errno.InputOutput : null), _folder["in"]).Value;
        Assert.Equal(Errno.InputOutput, inbox.Put(_key, [1, 2]).Error?.Errno);
        Assert.DoesNotContain(inbox.List().Value, e => e.IsComplete);
    }

    public void Dispose() => _folder.Dispose();

    private Inbox Open() => Inbox.Open(DiskStorage.Instance, _folder["in"]).Value;
}
