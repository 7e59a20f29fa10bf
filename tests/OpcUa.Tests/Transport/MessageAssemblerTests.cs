using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Transport;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Transport;

public sealed class MessageAssemblerTests
{
    [Fact]
    public void Chunks_of_different_messages_may_interleave()
    {
        using var assembler = new MessageAssembler(1000, 10);
        Assert.Equal(AssemblyOutcome.Incomplete, assembler.Add(1, ChunkKind.Intermediate, "ab"u8.ToArray()).Outcome);
        Assert.Equal(AssemblyOutcome.Incomplete, assembler.Add(2, ChunkKind.Intermediate, "xy"u8.ToArray()).Outcome);
        Assert.Equal("q", Text(assembler.Add(3, ChunkKind.Final, "q"u8.ToArray())));
        Assert.Equal(AssemblyOutcome.Incomplete, assembler.Add(1, ChunkKind.Intermediate, "cd"u8.ToArray()).Outcome);
        Assert.Equal("xyz", Text(assembler.Add(2, ChunkKind.Final, "z"u8.ToArray())));
        Assert.Equal("abcde", Text(assembler.Add(1, ChunkKind.Final, "e"u8.ToArray())));
        Assert.Equal(0, assembler.UnderWay);
    }

    [Fact]
    public void An_abort_forgets_one_message_and_leaves_the_others()
    {
        using var assembler = new MessageAssembler(1000, 10);
        assembler.Add(1, ChunkKind.Intermediate, "ab"u8.ToArray());
        assembler.Add(2, ChunkKind.Intermediate, "xy"u8.ToArray());
        var aborted = assembler.Add(1, ChunkKind.Abort, Abort(StatusCodes.BadResponseTooLarge, "too much"));
        Assert.Equal(AssemblyOutcome.Aborted, aborted.Outcome);
        Assert.Equal(StatusCodes.BadResponseTooLarge, aborted.Status);
        Assert.Equal("too much", aborted.Reason);
        Assert.Equal("new", Text(assembler.Add(1, ChunkKind.Final, "new"u8.ToArray())));
        Assert.Equal("xyz", Text(assembler.Add(2, ChunkKind.Final, "z"u8.ToArray())));
    }

    [Fact]
    public void An_abort_that_cannot_be_read_ends_the_connection()
    {
        using var assembler = new MessageAssembler(1000, 10);
        Assert.Equal(AssemblyOutcome.Failed, assembler.Add(1, ChunkKind.Abort, new byte[3]).Outcome);
    }

    [Fact]
    public void A_message_larger_than_announced_ends_the_connection()
    {
        using var assembler = new MessageAssembler(1000, 10);
        Assert.Equal(StatusCodes.BadTcpMessageTooLarge, assembler.Add(1, ChunkKind.Final, new byte[1001]).Status);
        Assert.Equal(AssemblyOutcome.Incomplete, assembler.Add(1, ChunkKind.Intermediate, new byte[600]).Outcome);
        Assert.Equal(AssemblyOutcome.Failed, assembler.Add(1, ChunkKind.Final, new byte[401]).Outcome);
    }

    [Fact]
    public void More_chunks_than_announced_end_the_connection()
    {
        using var assembler = new MessageAssembler(1000, 3);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(AssemblyOutcome.Incomplete, assembler.Add(1, ChunkKind.Intermediate, default).Outcome);
        }

        Assert.Equal(AssemblyOutcome.Failed, assembler.Add(1, ChunkKind.Intermediate, default).Outcome);
    }

    [Fact]
    public void Too_many_messages_in_pieces_end_the_connection()
    {
        using var assembler = new MessageAssembler(1000, 3);
        for (var i = 0u; i < MessageAssembler.MessagesUnderWayMax; i++)
        {
            Assert.Equal(AssemblyOutcome.Incomplete, assembler.Add(i, ChunkKind.Intermediate, new byte[1]).Outcome);
        }

        Assert.Equal(StatusCodes.BadTcpNotEnoughResources, assembler.Add(99, ChunkKind.Intermediate, new byte[1]).Status);
    }

    [Fact]
    public void Messages_in_pieces_share_one_bound_on_memory()
    {
        using var assembler = new MessageAssembler(1000, 3);
        Assert.Equal(AssemblyOutcome.Incomplete, assembler.Add(1, ChunkKind.Intermediate, new byte[900]).Outcome);
        Assert.Equal(AssemblyOutcome.Incomplete, assembler.Add(2, ChunkKind.Intermediate, new byte[900]).Outcome);
        Assert.Equal(AssemblyOutcome.Failed, assembler.Add(3, ChunkKind.Intermediate, new byte[900]).Outcome);
        Assert.Equal(AssemblyOutcome.Complete, assembler.Add(1, ChunkKind.Final, new byte[100]).Outcome);
        Assert.Equal(AssemblyOutcome.Incomplete, assembler.Add(4, ChunkKind.Intermediate, new byte[900]).Outcome);
    }

    private static string Text(Assembly assembly)
    {
        Assert.Equal(AssemblyOutcome.Complete, assembly.Outcome);
        return System.Text.Encoding.ASCII.GetString(assembly.Body.Span);
    }

    private static byte[] Abort(StatusCode status, string reason)
    {
        using var writer = new UaWriter();
        new ErrorMessage(status, reason).WriteBody(writer);
        return writer.WrittenSpan.ToArray();
    }
}
