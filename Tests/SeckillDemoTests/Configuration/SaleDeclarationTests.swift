import HTTPTypes
import Testing

@testable import SeckillDemo

struct SaleDeclarationTests {
    @Test func nowIsNotAMomentThatIsStillToCome() async throws {
        let tea = #"{"id":"tea","title":"Tea","price":100,"stock":1"#
        let front = try Storefront()
        #expect(
            try await front.admin(.post, "/admin/sales", tea + #","opensAt":"2030-01-01T00:00:00Z"}"#).status == 201
        )
        let again = try await front.admin(.post, "/admin/sales", tea + "}")
        #expect(again.status == 409 && again["code"] == "sale_exists")
    }
}
