import GRDB

/// A ledger as the code of format 1 left it, with everything in it that may legally be there.
enum FormatVersion1 {
    /// Writes the file.
    static func write(to path: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA foreign_keys = OFF")
            try db.execute(sql: dump)
            try db.execute(
                sql: "PRAGMA application_id = \(0x534B_4C47); PRAGMA user_version = 1; PRAGMA journal_mode = WAL"
            )
        }
        try queue.close()
    }

    // What `sqlite3 ledger.sqlite .dump` wrote.
    private static let dump = """
        BEGIN TRANSACTION;
        CREATE TABLE sale (
            key INTEGER PRIMARY KEY AUTOINCREMENT,
            -- As declared; times and durations in milliseconds.
            id TEXT NOT NULL UNIQUE,
            title TEXT NOT NULL,
            price INTEGER NOT NULL CHECK (price >= 0),
            currency TEXT NOT NULL,
            initial_stock INTEGER NOT NULL CHECK (initial_stock >= 0),
            limit_per_user INTEGER NOT NULL CHECK (limit_per_user >= 1),
            opens_at INTEGER NOT NULL,
            closes_at INTEGER CHECK (closes_at > opens_at),
            payment_window INTEGER NOT NULL CHECK (payment_window > 0),
            -- As it stands.
            stock INTEGER NOT NULL CHECK (stock BETWEEN initial_stock AND 1000000000),
            admission TEXT NOT NULL CHECK (admission IN ('open', 'paused', 'closed')),
            epoch INTEGER NOT NULL CHECK (epoch >= 0),
            revision INTEGER NOT NULL CHECK (revision >= 1),
            -- The highest sequence recorded in this epoch.
            sequence INTEGER NOT NULL CHECK (sequence >= 0),
            -- Sums over the orders and the open returns.
            awaiting INTEGER NOT NULL CHECK (awaiting >= 0),
            paid INTEGER NOT NULL CHECK (paid >= 0),
            expired INTEGER NOT NULL CHECK (expired >= 0),
            cancelled INTEGER NOT NULL CHECK (cancelled >= 0),
            rejected INTEGER NOT NULL CHECK (rejected >= 0),
            dead_lettered INTEGER NOT NULL CHECK (dead_lettered BETWEEN 0 AND rejected),
            returning_units INTEGER NOT NULL CHECK (returning_units >= 0),
            -- Fingerprints: of all orders as they were recorded, and of this row.
            orders_seal INTEGER NOT NULL,
            seal INTEGER NOT NULL,
            CHECK (awaiting + paid <= stock)
        ) STRICT;
        INSERT INTO sale VALUES(1,'hats','Shoes',4999,'USD',0,2,1800000000000,NULL,60000,0,'open',1,1,0,0,0,0,0,0,0,0,0,5455671590157139520);
        INSERT INTO sale VALUES(2,'shoes','Shoes',4999,'USD',8,2,1800000000000,NULL,60000,14,'paused',2,4,4,3,3,2,2,8,2,4,-1277828497003645561,-8769643992301710921);
        CREATE TABLE purchase (
            -- In the order of recording.
            key INTEGER PRIMARY KEY,
            id TEXT NOT NULL,
            -- Fingerprints stand for the texts in the indexes, which are a quarter of the size then.
            id_hash INTEGER NOT NULL,
            sale INTEGER NOT NULL REFERENCES sale,
            user TEXT NOT NULL,
            user_hash INTEGER NOT NULL,
            -- The epoch it was reserved in, and the sale's when it was recorded.
            epoch INTEGER NOT NULL CHECK (epoch >= 1),
            recorded_epoch INTEGER NOT NULL CHECK (recorded_epoch >= epoch),
            sequence INTEGER NOT NULL CHECK (sequence >= 0),
            -- Alternatives are spelled out: SQLite builds a table for every IN of more than two, on every insert.
            status TEXT NOT NULL CHECK (
                status = 'awaiting_payment' OR status = 'paid' OR status = 'expired' OR status = 'cancelled'
                OR status = 'rejected'
            ),
            live INTEGER NOT NULL AS (status IN ('awaiting_payment', 'paid')) VIRTUAL,
            reason TEXT CHECK (
                reason = 'lost' OR reason = 'sold_out' OR reason = 'limit_reached' OR reason = 'undeliverable'
            ),
            reserved_at INTEGER NOT NULL,
            recorded_at INTEGER NOT NULL,
            pay_by INTEGER,
            -- When it was paid, expired or cancelled.
            settled_at INTEGER,
            CHECK ((status = 'rejected') = (reason IS NOT NULL)),
            CHECK ((status = 'rejected') = (pay_by IS NULL)),
            CHECK ((status IN ('awaiting_payment', 'rejected')) = (settled_at IS NULL)),
            CHECK (status = 'rejected' OR recorded_epoch = epoch)
        ) STRICT;
        INSERT INTO purchase VALUES(1,'shoes.1.wVwCiewtCpFn7I5l.ZYBNS2XQF95Oei_o94-H7kCe',-4196158218651813636,2,'user-4',6254711388175168025,1,1,4,'paid',NULL,1800000000000,1800000000000,1800000060000,1800000000000);
        INSERT INTO purchase VALUES(2,'shoes.1.XlUy--6ik_gLyULu.g4vxb3bhnBC13W7w494_0x4g',7110829153055962130,2,'user-2',-6302958531265147226,1,1,2,'paid',NULL,1800000000000,1800000000000,1800000060000,1800000000000);
        INSERT INTO purchase VALUES(3,'shoes.1.ubUB0dhUu3GAAhWQ.9EKgt6kTxzSCtFcyDbmtzl90',525887865398481391,2,'user-7',-510516834658368597,1,1,7,'cancelled',NULL,1800000000000,1800000000000,1800000060000,1800000000000);
        INSERT INTO purchase VALUES(4,'shoes.1.pTw212zsmeB1hScS.A0q1ym6l2ETsL-1lIzY0GH5D',8893733462462639851,2,'user-1',6548687507498069765,1,1,1,'expired',NULL,1800000000000,1800000000000,1800000060000,1800000060000);
        INSERT INTO purchase VALUES(5,'shoes.1.qD1-Nd4YF0mWZ2F0.beqQI51Nq3nCS7KGBrOdFGTG',-6904847756440694242,2,'user-3',6042187620193548732,1,1,3,'awaiting_payment',NULL,1800000000000,1800000000000,1800000060000,NULL);
        INSERT INTO purchase VALUES(6,'shoes.1.YU9WAXfcdWf-i88U.OU6jmpa6IMXrn6A8tzC3Dcns',-6460206926883572045,2,'user-6',1874448389177734034,1,1,6,'cancelled',NULL,1800000000000,1800000000000,1800000060000,1800000060000);
        INSERT INTO purchase VALUES(7,'shoes.1.wF2qS4rPdnSKoteQ.rviu2qUFcLKuyrcc-6czz0AX',-3690798846794061419,2,'user-5',7179491501798261850,1,1,5,'awaiting_payment',NULL,1800000000000,1800000000000,1800000060000,NULL);
        INSERT INTO purchase VALUES(8,'shoes.1.qFdMb65tm287Snml.aAPavG5VqaZsrt0hT4f_e-UT',-5062006907684776367,2,'user-8',-4109282055427436915,1,1,8,'awaiting_payment',NULL,1800000000000,1800000000000,1800000060000,NULL);
        INSERT INTO purchase VALUES(9,'shoes.1.Ywv9t6amNKXxqitX.-o7R1hfYQzLN1F0TJqigu3yf',-7437023142948080799,2,'user-12',7431184139574336389,1,1,12,'rejected','sold_out',1800000000000,1800000000000,NULL,NULL);
        INSERT INTO purchase VALUES(10,'shoes.1.7omvMJY3hK4IZe9z.2t5nWHiYX1TGyRfN0KTt-nZZ',-7719346798692065655,2,'user-11',-6956053195001437736,1,1,11,'rejected','sold_out',1800000000000,1800000000000,NULL,NULL);
        INSERT INTO purchase VALUES(11,'shoes.1.RofpZWjE4hCcRCpc.x4HdEa178CT-354Jg_vY4TuV',205300163791402740,2,'user-10',-6155397523084937873,1,1,10,'rejected','sold_out',1800000000000,1800000000000,NULL,NULL);
        INSERT INTO purchase VALUES(12,'shoes.1.zY9U0Q798X6sBvM-.yvl_11NEKtkx3WwiehC4vL7-',7113345676880634934,2,'user-9',4483825274264359265,1,2,9,'rejected','lost',1800000000000,1800000000000,NULL,NULL);
        INSERT INTO purchase VALUES(13,'shoes.1.n7mq0cUFc0n3tnfB.PtHMPb8lWNQDa1Li6sgRRZkZ',2727692979933344507,2,'user-13',-3147359895449187856,1,2,13,'rejected','lost',1800000000000,1800000000000,NULL,NULL);
        INSERT INTO purchase VALUES(14,'shoes.1.NXFKhqcc-YOr9y0N.MS8kHSbzIUB4QdkyWoRrZHL9',-3426840129346617019,2,'user-14',3319139655702482194,1,2,14,'rejected','undeliverable',1800000000000,1800000000000,NULL,NULL);
        INSERT INTO purchase VALUES(15,'shoes.2.J81bREUWMwuKdwkZ.tUN-ls3CjIzMUSufZOI2RM6Y',8350705793570327366,2,'bob',-5370844952437971264,2,2,1,'paid',NULL,1800000000000,0,60000,1);
        INSERT INTO purchase VALUES(16,'shoes.2.hNDFEgvXDJm6iQfJ.JiGbjNjJ5iuOJnGi5zo0nGsD',1262468431194466940,2,'bob',-5370844952437971264,2,2,2,'expired',NULL,1800000000000,0,60000,1800000060000);
        INSERT INTO purchase VALUES(17,'shoes.2.bSwHWmjirGUc4NxI.eGmVDFuUN2PR5d_LOpG918ZV',-8401377870587538791,2,'bob',-5370844952437971264,2,2,3,'rejected','limit_reached',1800000000000,0,NULL,NULL);
        INSERT INTO purchase VALUES(18,'shoes.2.F_zzLk6C1kAM__5W.7PuS9gktvy76O-e6Kk7ahnzN',2837164298759667646,2,'user-4',6254711388175168025,2,2,4,'rejected','undeliverable',1800000000000,1800000000000,NULL,NULL);
        CREATE TABLE stock_return (
            -- In the order of writing.
            key INTEGER PRIMARY KEY,
            sale INTEGER NOT NULL REFERENCES sale,
            -- The sale's epoch when it was written.
            epoch INTEGER NOT NULL CHECK (epoch >= 0),
            units INTEGER NOT NULL CHECK (units >= 1),
            -- What gives the units: an order that ended, or a restock by its id.
            purchase INTEGER UNIQUE REFERENCES purchase,
            restock TEXT,
            state TEXT NOT NULL CHECK (state = 'open' OR state = 'done' OR state = 'absorbed'),
            CHECK ((purchase IS NULL) = (restock IS NOT NULL)),
            CHECK (purchase IS NULL OR units = 1)
        ) STRICT;
        INSERT INTO stock_return VALUES(1,2,1,1,9,NULL,'absorbed');
        INSERT INTO stock_return VALUES(2,2,1,1,10,NULL,'absorbed');
        INSERT INTO stock_return VALUES(3,2,1,1,11,NULL,'absorbed');
        INSERT INTO stock_return VALUES(4,2,1,1,3,NULL,'absorbed');
        INSERT INTO stock_return VALUES(5,2,1,5,NULL,'restock.1','absorbed');
        INSERT INTO stock_return VALUES(6,2,2,1,17,NULL,'done');
        INSERT INTO stock_return VALUES(7,2,2,1,18,NULL,'done');
        INSERT INTO stock_return VALUES(8,2,2,1,16,NULL,'open');
        INSERT INTO stock_return VALUES(9,2,2,1,4,NULL,'open');
        INSERT INTO stock_return VALUES(10,2,2,1,6,NULL,'open');
        INSERT INTO stock_return VALUES(11,2,2,1,NULL,'restock.2','open');
        DELETE FROM sqlite_sequence;
        INSERT INTO sqlite_sequence VALUES('sale',2);
        CREATE INDEX purchase_id ON purchase (sale, id_hash);
        CREATE INDEX purchase_user ON purchase (sale, user_hash, live);
        CREATE INDEX purchase_due ON purchase (pay_by) WHERE status = 'awaiting_payment';
        CREATE UNIQUE INDEX stock_return_restock ON stock_return (sale, restock) WHERE restock IS NOT NULL;
        CREATE INDEX stock_return_open ON stock_return (key) WHERE state = 'open';
        COMMIT;
        """
}
