using FsCheck;
using FsCheck.Fluent;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.History;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Core.Tests.Transfer;

/// <summary>The questions and answers of a proof: what goes in comes out, and whatever bytes come in, nothing is taken that is too much.</summary>
public sealed class ProofMessagesTests
{
    private static readonly Oid A = Oid.Parse("sensor:a");
    private static readonly Oid B = Oid.Parse("unit:b/c");

    [Fact]
    public void Questions_come_out_as_they_went_in()
    {
        var wish = new DigestWish(7, new TimeRange(5, 9), [A, B], new DigestPlace(B, new HistoryCursor(6, 3)), 4000);
        var digest = TransferRequest.TryDecode(new TransferRequest(TransferOperation.Digest, Digest: wish).Encode())!.Digest!;
        Assert.Equal((7UL, wish.Range, wish.After, 4000), (digest.Walk, digest.Range, digest.After, digest.MaxBytes));
        Assert.Equal(wish.Items, digest.Items);
        var statement = new StatementWish(8, new TimeRange(1, 2), 77, 1000);
        Assert.Equal(statement, TransferRequest.TryDecode(new TransferRequest(TransferOperation.Statement, Statement: statement).Encode())!.Statement);
    }

    [Fact]
    public void A_page_comes_out_as_it_went_in()
    {
        var page = new DigestPage(
            false,
            [new DigestCell(A, 1, new EventSum(3, UInt128.MaxValue)), new DigestCell(A, -2, new EventSum(1, 9)), new DigestCell(B, 1, new EventSum(2, 0))],
            new DigestPlace(B, new HistoryCursor(long.MaxValue, 4)));
        var read = DigestPage.TryDecode(Write(page.Write))!;
        Assert.Equal(page.Cells, read.Cells);
        Assert.Equal((page.Next, false), (read.Next, read.IsPending));
        Assert.True(DigestPage.TryDecode(Write(DigestPage.Pending.Write))!.IsPending);
    }

    [Fact]
    public void A_page_stays_within_its_size_and_takes_at_least_one_sum()
    {
        foreach (var maxBytes in new[] { 256, 1000, 65_536 })
        {
            var builder = new DigestPageBuilder(maxBytes);
            var cells = 0;
            for (var item = Oid.Parse("sensor:first"); builder.RoomFor(item) > 0; cells++, item = Oid.Parse($"sensor:plant/line{cells}/temperature"))
            {
                builder.Add(new DigestCell(item, cells, new EventSum(1_000_000, UInt128.MaxValue)));
            }

            var bytes = Write(builder.Build(new DigestPlace(A, HistoryCursor.Before(5))).Write);
            Assert.InRange(bytes.Length, 1, maxBytes);
            Assert.InRange(cells, 1, DigestPage.MaxCells);
        }
    }

    [Fact]
    public void A_piece_of_the_same_hour_is_added_up()
    {
        var builder = new DigestPageBuilder(1000);
        builder.Add(new DigestCell(A, 1, new EventSum(2, 5)));
        builder.Add(new DigestCell(A, 1, new EventSum(3, 6)));
        Assert.Equal([new DigestCell(A, 1, new EventSum(5, 11))], builder.Build(null).Cells);
    }

    [Fact]
    public void A_statement_goes_in_parts_of_any_size()
    {
        using var key = ProofKey.Create();
        var statement = SignedDocument.Sign(SourceStatement.Format, "{\"x\":\"ü\"}", key);
        foreach (var size in new[] { 1, 7, 100_000 })
        {
            var bytes = new List<byte>();
            StatementPart part;
            do
            {
                part = StatementPart.TryDecode(Write(StatementPart.Cut(statement, new StatementWish(1, default, bytes.Count, size)).Write))!;
                Assert.Equal(bytes.Count, part.Offset);
                bytes.AddRange(part.Content.ToArray());
            }
            while (bytes.Count < part.TotalBytes);
            Assert.Equal(statement.Text, System.Text.Encoding.UTF8.GetString([.. bytes]));
        }
    }

    [Fact]
    public void Items_are_cut_into_lists_that_fit()
    {
        var items = Enumerable.Range(0, 1000).Select(i => Oid.Parse($"sensor:{new string('x', 100)}{i}")).ToList();
        var lists = ItemList.Split(items).ToList();
        Assert.Equal(items, lists.SelectMany(l => l));
        Assert.All(lists, l => Assert.InRange(l.Sum(i => i.Text.Length), 1, ItemList.MaxTextBytes));
    }

    [Fact]
    public void Whatever_bytes_come_nothing_is_thrown_and_nothing_is_taken_that_is_too_much() => Prop.ForAll(
        ArbMap.Default.ArbFor<byte[]>(),
        Gen.Choose(0, 3).ToArbitrary(),
        (bytes, where) =>
        {
            byte[] page = [.. Write(new DigestPage(false, [new DigestCell(A, 1, new EventSum(3, 4))], new DigestPlace(B, default)).Write)];
            byte[] request = [.. new TransferRequest(
                TransferOperation.Digest, Digest: new DigestWish(7, new TimeRange(5, 9), [A, B], new DigestPlace(B, default), 4000)).Encode()];
            byte[] broken = where switch { 0 => bytes, 1 => [.. page[..(bytes.Length % page.Length)], .. bytes], _ => [.. request[..(bytes.Length % request.Length)], .. bytes] };
            var read = DigestPage.TryDecode(broken);
            _ = StatementPart.TryDecode(broken);
            _ = TransferRequest.TryDecode(broken);
            return read is null || read.Cells.Count <= DigestPage.MaxCells;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    private static byte[] Write(Action<ByteWriter> write)
    {
        var output = new ByteWriter();
        write(output);
        return output.Written.ToArray();
    }
}
